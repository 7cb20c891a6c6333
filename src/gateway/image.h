/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway's program, which aisbx carries: see embed.py. Touched by runs that need it only. */
#ifndef AISBX_GATEWAY_IMAGE_H
#define AISBX_GATEWAY_IMAGE_H

extern const char gateway_image[];
extern const char gateway_image_end[];

#endif

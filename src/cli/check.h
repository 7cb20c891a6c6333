/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx check FILE... */
#ifndef AISBX_CLI_CHECK_H
#define AISBX_CLI_CHECK_H

/*
 * argv[0] is "check". Writes each problem to stderr as FILE:LINE:COL: message;
 * FILE: message when the file cannot be read. Returns 0 when all files are fine
 * (and nothing was written), 1 when one is not, 125 for bad usage.
 */
int cmd_check(int argc, char **argv);

#endif

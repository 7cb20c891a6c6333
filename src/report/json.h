/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that need not be UTF-8 as JSON values. All are the caller's to own. */
#ifndef AISBX_REPORT_JSON_H
#define AISBX_REPORT_JSON_H

#include <jansson.h>

/* A string; bytes that are not UTF-8 become U+FFFD. */
json_t *json_text(const char *bytes);
/* json_text(), or null for NULL and "". */
json_t *json_text_or_null(const char *bytes);
/* An array of strings; list ends with NULL or is NULL. */
json_t *json_words(char *const *list);

#endif

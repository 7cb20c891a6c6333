/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words in messages: foreign text made printable, lists of names. Pure. (nearest_name: schema.h) */
#ifndef AISBX_POLICY_WORDS_H
#define AISBX_POLICY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "policy/profile.h"

/*
 * text between single quotes for one line of a message: control characters
 * and invisible ones as \xNN or \u{NNNN}, bytes that are not UTF-8 as \xNN, cut when long.
 */
const char *word_quote(struct arena *arena, const char *text);
/* The same without quotes and whole: for the names of files. */
const char *word_printable(struct arena *arena, const char *text);
/* text as one word of a command line that is given to a shell. */
const char *word_shell(struct arena *arena, const char *text);
/* "FILE:LINE", "command line", or "aisbx" for what no user wrote. */
const char *origin_text(struct arena *arena, const struct origin *at);
/* "a, b or c" of names (NULL-terminated), each as it is. */
const char *words_join(struct arena *arena, const char *const *names, const char *last_word);
/* Why word is no key of section: the one of names that was meant, or all. */
const char *words_unknown_key(struct arena *arena, const char *word, const char *section,
			      const char *const *names);
/* Whether text has a control character (C0, DEL or C1 in UTF-8). */
bool word_has_control(const char *text);
/*
 * Decodes one UTF-8 character of text (len > 0) strictly. Returns its bytes, or
 * 0 when the text does not begin with one; *ret_code is written on success.
 */
size_t utf8_decode(const char *text, size_t len, unsigned *ret_code);
/* Whether code cannot be seen, or reorders what is: bidi controls, separators, BOM. */
bool code_is_invisible(unsigned code);
/* Edits between two words, case ignored (Damerau-Levenshtein); large when a word is overlong. */
size_t word_distance(const char *a, const char *b);

#endif

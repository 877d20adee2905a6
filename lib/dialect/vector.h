/* vector.h - an embedding's numbers: float32, little-endian, and their text.
 *
 * https://platform.openai.com/docs/api-reference/embeddings: as an array of
 * numbers, or as the base64 of their bytes.
 */
#ifndef DIALECT_VECTOR_H
#define DIALECT_VECTOR_H

#include "base/buf.h"

/* n: bytes, four a number. */
void vector_numbers(struct buf *out, const char *p, size_t n); /* [0.5,-1] */
void vector_base64(struct buf *out, const char *p, size_t n);  /* no quotes */
void vector_add(struct buf *out, float v); /* appends the four bytes */
int vector_from_base64(struct str text, struct buf *out); /* -1: is none */

#endif

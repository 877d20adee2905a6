/* relay_story.h - a relay's life as a text: what happens, a letter each, and
 * what the client has got in the end, in letters too.
 *
 * Upstream: H head of a stream, J of a whole answer, r role, t text, s stop,
 * u usage, d [DONE], e an error, # a whole answer; the others stand in
 * relay_story.c.  The rest: '.' it ends, 'x' breaks off, '1' to '9' seconds
 * pass, 'W' until something happens, 'q' the client leaves, 'S' stops
 * reading, 'R' reads it all.  T is a text of one token, y one of the second
 * answer, Y its end, c a tool call and a its arguments, p text and stop in
 * one; '$' grants four tokens, '%' refuses them, '&' cannot say.
 *
 * Client: the same, and E an error event, ! an error body, w ": waiting", k
 * ": keep-alive", + an empty line, > and } our end of the first and second
 * answer, ? what has no letter.
 */
#ifndef TESTS_RELAY_STORY_H
#define TESTS_RELAY_STORY_H

#include "relay_world.h"

extern const char ask_stream[];
extern const char ask_usage[];
extern const char ask_two[];
extern const char ask_whole[];

void story_step(struct world *w, char c);
void story_tell(struct world *w, const char *script); /* from the start */
/* Into out, which it returns. */
const char *story_letters(const struct world *w, char *out);

#endif

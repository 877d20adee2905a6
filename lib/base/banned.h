/* banned.h - calls that are errors here; force-included into every file.
 *
 * The word that stands in the error names the cure.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* What declares them comes first, so that only uses are hit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef alloca
#undef strncpy
#undef strcpy
#undef strcat
#undef strncat
#define alloca(...)    banned_use_an_arena
#define strcpy(...)    banned_use_a_buf
#define strcat(...)    banned_use_a_buf
#define strncpy(...)   banned_use_a_buf
#define strncat(...)   banned_use_a_buf
#define sprintf(...)   banned_use_a_buf
#define vsprintf(...)  banned_use_a_buf
#define strtok(...)    banned_use_str_next
#define atoi(...)      banned_use_str_int
#define atol(...)      banned_use_str_int
#define atoll(...)     banned_use_str_int
#define gmtime(...)    banned_use_clock_text
#define localtime(...) banned_use_clock_text
#define ctime(...)     banned_use_clock_text
#define asctime(...)   banned_use_clock_text
#define system(...)    banned_no_shell
#define popen(...)     banned_no_shell

#endif

/* charge.h - what a request costs by now, and in the end, on its row.  On the
 * loop. */
#ifndef FCGI_CHARGE_H
#define FCGI_CHARGE_H

struct exchange;

/* It has ended: fills in the end of x->row. */
void charge_end(struct exchange *x);
/* It runs, and has delivered something: fills in x->note, with texts of
 * its own and of what the exchange keeps. */
void charge_note(struct exchange *x);

#endif

/* metrics.h - numbers for Prometheus: GET /metrics, in its text form.
 *
 * No names of users, keys, models or channels are in it, but how much is used:
 * who may ask is the setting metrics_allow.
 */
#ifndef ADMIN_CGI_METRICS_H
#define ADMIN_CGI_METRICS_H

#include "route.h"

void metrics_show(const struct admin *a, struct reply *reply);

#endif

/* domain_info.h - strongroom domain: info. */
#ifndef STRONGROOM_PROVISIONING_DOMAIN_INFO_H
#define STRONGROOM_PROVISIONING_DOMAIN_INFO_H

#include "provisioning/cli/command.h"

int domain_info(struct invocation *in);

#endif

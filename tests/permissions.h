/* permissions.h - root passes every permission of a file: a thread gives that privilege up, for good, as access() goes by what is
 * permitted. */
#ifndef TESTS_PERMISSIONS_H
#define TESTS_PERMISSIONS_H

#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void obey_permissions(void) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    if (syscall(SYS_capget, &head, caps)) return;
    uint32_t mask = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
    caps[0].effective &= ~mask;
    caps[0].permitted &= ~mask;
    syscall(SYS_capset, &head, caps);
}

#endif

#include "croutes.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

int croutes_open(void) {
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (descriptor < 0) return -1;
    struct sockaddr_nl address;
    memset(&address, 0, sizeof address);
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    close(descriptor);
    return -1;
}

int croutes_drain(int descriptor) {
    char buffer[16384];
    int changed = 0;
    for (;;) {
        ssize_t length = recv(descriptor, buffer, sizeof buffer, 0);
        if (length > 0) {
            changed = 1;
        } else if (length < 0 && errno == EINTR) {
            continue;
        } else if (length < 0 && errno == ENOBUFS) {
            // There were more changes than the socket could hold: a change all the same.
            changed = 1;
        } else if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return changed;
        } else {
            return -1;
        }
    }
}

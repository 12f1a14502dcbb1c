// Hears of changes to the machine's addresses, links and routes: a netlink socket (rtnetlink(7)), whose types Swift's
// Glibc module does not have.
#ifndef CROUTES_H
#define CROUTES_H

/// A non-blocking socket that becomes readable with each change; -1 where there is none to be had.
int croutes_open(void);

/// Reads whatever waits there. Returns 1 if a change was among it, 0 if not, -1 when the socket is of no more use.
int croutes_drain(int socket);

#endif

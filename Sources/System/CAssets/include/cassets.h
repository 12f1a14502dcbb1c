#ifndef POPSHOP_CASSETS_H
#define POPSHOP_CASSETS_H

#include <stddef.h>

/// One file of schema/, fixtures/ or the console's pages, as it was when this was compiled.
struct popshop_asset {
    /// Its path from the top of the repository.
    const char *path;
    const unsigned char *bytes;
    size_t length;
};

/// All of them, in no order, and how many.
const struct popshop_asset *popshop_assets(size_t *count);

#endif

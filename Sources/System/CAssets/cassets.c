// The data files, compiled in by C23's #embed (6.10.3), so that one binary copied to a laptop is the whole shop.
// A new file needs its three lines here; a test holds this list against the folders.
#include "cassets.h"

static const unsigned char schema_shop_001[] = {
#embed "../../../schema/sqlite/shop/001_shop.sql"
};

static const unsigned char schema_telemetry_ledger_001[] = {
#embed "../../../schema/sqlite/telemetry-ledger/001_ledger.sql"
};

static const unsigned char schema_telemetry_slice_001[] = {
#embed "../../../schema/sqlite/telemetry-slice/001_slice.sql"
};

#define ASSET(path, bytes) { path, bytes, sizeof(bytes) }

static const struct popshop_asset assets[] = {
    ASSET("schema/sqlite/shop/001_shop.sql", schema_shop_001),
    ASSET("schema/sqlite/telemetry-ledger/001_ledger.sql", schema_telemetry_ledger_001),
    ASSET("schema/sqlite/telemetry-slice/001_slice.sql", schema_telemetry_slice_001),
};

const struct popshop_asset *popshop_assets(size_t *count) {
    *count = sizeof(assets) / sizeof(assets[0]);
    return assets;
}

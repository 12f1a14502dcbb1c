// The data files, compiled in by C23's #embed (6.10.3), so that one binary copied to a laptop is the whole shop.
// A new file needs its three lines here; a test holds this list against the folders.
#include "cassets.h"

static const unsigned char fixtures_ads[] = {
#embed "../../../fixtures/ads.json"
};
static const unsigned char fixtures_catalog[] = {
#embed "../../../fixtures/catalog.json"
};
static const unsigned char fixtures_expected_traces[] = {
#embed "../../../fixtures/expected-traces.json"
};
static const unsigned char fixtures_faults[] = {
#embed "../../../fixtures/faults.json"
};
static const unsigned char fixtures_journeys[] = {
#embed "../../../fixtures/journeys.json"
};
static const unsigned char fixtures_orders[] = {
#embed "../../../fixtures/orders.json"
};
static const unsigned char fixtures_payment[] = {
#embed "../../../fixtures/payment.json"
};
static const unsigned char fixtures_rates[] = {
#embed "../../../fixtures/rates.json"
};
static const unsigned char fixtures_scenarios_blackfriday[] = {
#embed "../../../fixtures/scenarios/blackfriday.json"
};
static const unsigned char fixtures_shipping[] = {
#embed "../../../fixtures/shipping.json"
};
static const unsigned char schema_postgres_shop_001[] = {
#embed "../../../schema/postgres/shop/001_shop.sql"
};
static const unsigned char schema_postgres_shop_002[] = {
#embed "../../../schema/postgres/shop/002_price_history.sql"
};
static const unsigned char schema_upstream_000[] = {
#embed "../../../schema/postgres/upstream/000_migrations.sql"
};
static const unsigned char schema_upstream_001[] = {
#embed "../../../schema/postgres/upstream/001_upstream.sql"
};
static const unsigned char schema_shop_001[] = {
#embed "../../../schema/sqlite/shop/001_shop.sql"
};
static const unsigned char schema_shop_002[] = {
#embed "../../../schema/sqlite/shop/002_order_outcomes.sql"
};
static const unsigned char schema_shop_003[] = {
#embed "../../../schema/sqlite/shop/003_price_history.sql"
};

static const unsigned char schema_telemetry_ledger_001[] = {
#embed "../../../schema/sqlite/telemetry-ledger/001_ledger.sql"
};

static const unsigned char schema_telemetry_slice_001[] = {
#embed "../../../schema/sqlite/telemetry-slice/001_slice.sql"
};

static const unsigned char schema_telemetry_slice_002[] = {
#embed "../../../schema/sqlite/telemetry-slice/002_outcomes.sql"
};

#define ASSET(path, bytes) { path, bytes, sizeof(bytes) }

static const struct popshop_asset assets[] = {
    ASSET("fixtures/ads.json", fixtures_ads),
    ASSET("fixtures/catalog.json", fixtures_catalog),
    ASSET("fixtures/expected-traces.json", fixtures_expected_traces),
    ASSET("fixtures/faults.json", fixtures_faults),
    ASSET("fixtures/journeys.json", fixtures_journeys),
    ASSET("fixtures/orders.json", fixtures_orders),
    ASSET("fixtures/payment.json", fixtures_payment),
    ASSET("fixtures/rates.json", fixtures_rates),
    ASSET("fixtures/scenarios/blackfriday.json", fixtures_scenarios_blackfriday),
    ASSET("fixtures/shipping.json", fixtures_shipping),
    ASSET("schema/postgres/shop/001_shop.sql", schema_postgres_shop_001),
    ASSET("schema/postgres/shop/002_price_history.sql", schema_postgres_shop_002),
    ASSET("schema/postgres/upstream/000_migrations.sql", schema_upstream_000),
    ASSET("schema/postgres/upstream/001_upstream.sql", schema_upstream_001),
    ASSET("schema/sqlite/shop/001_shop.sql", schema_shop_001),
    ASSET("schema/sqlite/shop/002_order_outcomes.sql", schema_shop_002),
    ASSET("schema/sqlite/shop/003_price_history.sql", schema_shop_003),
    ASSET("schema/sqlite/telemetry-ledger/001_ledger.sql", schema_telemetry_ledger_001),
    ASSET("schema/sqlite/telemetry-slice/001_slice.sql", schema_telemetry_slice_001),
    ASSET("schema/sqlite/telemetry-slice/002_outcomes.sql", schema_telemetry_slice_002),
};

const struct popshop_asset *popshop_assets(size_t *count) {
    *count = sizeof(assets) / sizeof(assets[0]);
    return assets;
}

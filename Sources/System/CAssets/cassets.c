// The data files, compiled in by C23's #embed (6.10.3), so that one binary copied to a laptop is the whole shop.
// A new file needs its three lines here; a test holds this list against the folders.
#include "cassets.h"

static const unsigned char web_base_css[] = {
#embed "../../Console/Web/base.css"
};
static const unsigned char web_charts_js[] = {
#embed "../../Console/Web/charts.js"
};
static const unsigned char web_control_css[] = {
#embed "../../Console/Web/control.css"
};
static const unsigned char web_control_html[] = {
#embed "../../Console/Web/control.html"
};
static const unsigned char web_control_js[] = {
#embed "../../Console/Web/control.js"
};
static const unsigned char web_core_js[] = {
#embed "../../Console/Web/core.js"
};
static const unsigned char web_header_html[] = {
#embed "../../Console/Web/header.html"
};
static const unsigned char web_icon_svg[] = {
#embed "../../Console/Web/icon.svg"
};
static const unsigned char web_map_html[] = {
#embed "../../Console/Web/map.html"
};
static const unsigned char web_map_js[] = {
#embed "../../Console/Web/map.js"
};
static const unsigned char web_products_svg[] = {
#embed "../../Console/Web/products.svg"
};
static const unsigned char web_shop_css[] = {
#embed "../../Console/Web/shop.css"
};
static const unsigned char web_shop_html[] = {
#embed "../../Console/Web/shop.html"
};
static const unsigned char web_shop_js[] = {
#embed "../../Console/Web/shop.js"
};
static const unsigned char web_sync_html[] = {
#embed "../../Console/Web/sync.html"
};
static const unsigned char web_sync_js[] = {
#embed "../../Console/Web/sync.js"
};
static const unsigned char web_trace_html[] = {
#embed "../../Console/Web/trace.html"
};
static const unsigned char web_trace_js[] = {
#embed "../../Console/Web/trace.js"
};
static const unsigned char web_traces_css[] = {
#embed "../../Console/Web/traces.css"
};
static const unsigned char web_traces_html[] = {
#embed "../../Console/Web/traces.html"
};
static const unsigned char web_traces_js[] = {
#embed "../../Console/Web/traces.js"
};
static const unsigned char web_waterfall_js[] = {
#embed "../../Console/Web/waterfall.js"
};
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
static const unsigned char fixtures_openapi_ad[] = {
#embed "../../../fixtures/openapi/ad.json"
};
static const unsigned char fixtures_openapi_cart[] = {
#embed "../../../fixtures/openapi/cart.json"
};
static const unsigned char fixtures_openapi_checkout[] = {
#embed "../../../fixtures/openapi/checkout.json"
};
static const unsigned char fixtures_openapi_console[] = {
#embed "../../../fixtures/openapi/console.json"
};
static const unsigned char fixtures_openapi_currency[] = {
#embed "../../../fixtures/openapi/currency.json"
};
static const unsigned char fixtures_openapi_load_generator[] = {
#embed "../../../fixtures/openapi/load-generator.json"
};
static const unsigned char fixtures_openapi_product_catalog[] = {
#embed "../../../fixtures/openapi/product-catalog.json"
};
static const unsigned char fixtures_openapi_recommendation[] = {
#embed "../../../fixtures/openapi/recommendation.json"
};
static const unsigned char fixtures_openapi_shipping[] = {
#embed "../../../fixtures/openapi/shipping.json"
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
static const unsigned char schema_telemetry_slice_003[] = {
#embed "../../../schema/sqlite/telemetry-slice/003_names.sql"
};
static const unsigned char schema_telemetry_slice_004[] = {
#embed "../../../schema/sqlite/telemetry-slice/004_trace_rows.sql"
};

#define ASSET(path, bytes) { path, bytes, sizeof(bytes) }

static const struct popshop_asset assets[] = {
    ASSET("Sources/Console/Web/base.css", web_base_css),
    ASSET("Sources/Console/Web/charts.js", web_charts_js),
    ASSET("Sources/Console/Web/control.css", web_control_css),
    ASSET("Sources/Console/Web/control.html", web_control_html),
    ASSET("Sources/Console/Web/control.js", web_control_js),
    ASSET("Sources/Console/Web/core.js", web_core_js),
    ASSET("Sources/Console/Web/header.html", web_header_html),
    ASSET("Sources/Console/Web/icon.svg", web_icon_svg),
    ASSET("Sources/Console/Web/map.html", web_map_html),
    ASSET("Sources/Console/Web/map.js", web_map_js),
    ASSET("Sources/Console/Web/products.svg", web_products_svg),
    ASSET("Sources/Console/Web/shop.css", web_shop_css),
    ASSET("Sources/Console/Web/shop.html", web_shop_html),
    ASSET("Sources/Console/Web/shop.js", web_shop_js),
    ASSET("Sources/Console/Web/sync.html", web_sync_html),
    ASSET("Sources/Console/Web/sync.js", web_sync_js),
    ASSET("Sources/Console/Web/trace.html", web_trace_html),
    ASSET("Sources/Console/Web/trace.js", web_trace_js),
    ASSET("Sources/Console/Web/traces.css", web_traces_css),
    ASSET("Sources/Console/Web/traces.html", web_traces_html),
    ASSET("Sources/Console/Web/traces.js", web_traces_js),
    ASSET("Sources/Console/Web/waterfall.js", web_waterfall_js),
    ASSET("fixtures/ads.json", fixtures_ads),
    ASSET("fixtures/catalog.json", fixtures_catalog),
    ASSET("fixtures/expected-traces.json", fixtures_expected_traces),
    ASSET("fixtures/faults.json", fixtures_faults),
    ASSET("fixtures/journeys.json", fixtures_journeys),
    ASSET("fixtures/openapi/ad.json", fixtures_openapi_ad),
    ASSET("fixtures/openapi/cart.json", fixtures_openapi_cart),
    ASSET("fixtures/openapi/checkout.json", fixtures_openapi_checkout),
    ASSET("fixtures/openapi/console.json", fixtures_openapi_console),
    ASSET("fixtures/openapi/currency.json", fixtures_openapi_currency),
    ASSET("fixtures/openapi/load-generator.json", fixtures_openapi_load_generator),
    ASSET("fixtures/openapi/product-catalog.json", fixtures_openapi_product_catalog),
    ASSET("fixtures/openapi/recommendation.json", fixtures_openapi_recommendation),
    ASSET("fixtures/openapi/shipping.json", fixtures_openapi_shipping),
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
    ASSET("schema/sqlite/telemetry-slice/003_names.sql", schema_telemetry_slice_003),
    ASSET("schema/sqlite/telemetry-slice/004_trace_rows.sql", schema_telemetry_slice_004),
};

const struct popshop_asset *popshop_assets(size_t *count) {
    *count = sizeof(assets) / sizeof(assets[0]);
    return assets;
}

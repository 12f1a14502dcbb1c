import HTTPTypes
import Hummingbird
import NIOCore

/// `/`, until there are pages: says what is here.
enum HomePage {
    static var response: Response {
        let body = ByteBuffer(string: html)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8",
                .contentLength: "\(body.readableBytes)",
                .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
                .contentSecurityPolicy: policy,
            ],
            body: ResponseBody(byteBuffer: body)
        )
    }

    /// Nothing is loaded and no script runs, whatever gets in: only the style below and the empty icon are let through.
    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    private static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>PopShop console</title>
        <link rel="icon" href="data:,">
        <style>
        :root { color-scheme: light dark }
        body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }
        dt { font-family: ui-monospace, monospace; margin-top: 1rem }
        dd { margin: 0 }
        </style>
        </head>
        <body>
        <main>
        <h1>PopShop console</h1>
        <p>The shop is running. This version of the console is a JSON API; its pages are still to come.</p>
        <dl>
        <dt><a href="/api/status">/api/status</a></dt>
        <dd>What waits, what went and what did not: orders and spans.</dd>
        <dt><a href="/api/traces">/api/traces</a></dt>
        <dd>The newest traces. Narrow them with service, min_duration_ms, error, limit and before.</dd>
        <dt>/api/traces/{trace_id}</dt>
        <dd>One trace with all its spans.</dd>
        <dt><a href="/api/service-map">/api/service-map</a></dt>
        <dd>Who called whom in the last 15 minutes.</dd>
        <dt><a href="/health">/health</a> and <a href="/stats">/stats</a></dt>
        <dd>How the console itself is doing.</dd>
        </dl>
        <p>In a terminal, <code>popshop traces list</code> and <code>popshop status</code> say the same.</p>
        </main>
        </body>
        </html>

        """
}

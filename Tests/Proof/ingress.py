"""An OTLP/HTTP ingress that decodes with OpenTelemetry's own classes (opentelemetry-proto, from PyPI) and not with ours.

As a program it listens on a port and prints what came:  python3 Tests/Proof/ingress.py [PORT]
"""

import gzip
import http.server
import sys
import threading
from collections import Counter

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service


class Ingress:
    """Takes every span and counts it by its id; keeps those of the traces named (32 hex digits each)."""

    def __init__(self, port=0, keeping=frozenset()):
        self.kept = []
        self.keeping = keeping
        self.spans = Counter()
        self.services = Counter()
        self.names = Counter()
        self.links = 0
        self.requests = 0
        self.largest = 0
        self.lock = threading.Lock()
        ingress = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
                    return self.answer(404, b"")
                ingress.take(trace_service.ExportTraceServiceRequest.FromString(body), len(body))
                self.answer(200, trace_service.ExportTraceServiceResponse().SerializeToString())

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request, size):
        with self.lock:
            self.requests += 1
            self.largest = max(self.largest, size)
            for resource, span in spans(request):
                self.spans[span.span_id.hex()] += 1
                self.services[resource["service.name"]] += 1
                self.names[span.name] += 1
                self.links += len(span.links)
                if span.trace_id.hex() in self.keeping:
                    self.kept.append((resource, span))


def spans(message):
    """Each span of an ExportTraceServiceRequest, or of a TracesData, with its resource's attributes."""
    for group in message.resource_spans:
        attributes = {pair.key: pair.value.string_value for pair in group.resource.attributes}
        for scope in group.scope_spans:
            for span in scope.spans:
                yield attributes, span


if __name__ == "__main__":
    ingress = Ingress(int(sys.argv[1]) if len(sys.argv) > 1 else 4318)
    print(f"takes OTLP at {ingress.url}/v1/traces; Ctrl-C ends it and says what came", flush=True)
    try:
        ingress.server.serve_forever()
    except KeyboardInterrupt:
        twice = sum(1 for count in ingress.spans.values() if count > 1)
        print(f"{sum(ingress.spans.values())} spans, {len(ingress.spans)} ids, {twice} of them more than once")
        print(f"{ingress.requests} requests, the largest {ingress.largest} bytes; {dict(ingress.services)}")

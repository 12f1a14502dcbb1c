"""What schemathesis has to know of the shop beyond its descriptions; loaded by openapi.py."""

from urllib.parse import parse_qsl, urlsplit

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection


@schemathesis.check
def refuses_what_is_not_allowed(ctx, response, case):
    """Instead of `negative_data_rejection`, which does not know that an empty value is that of a form's empty field: the
    parameter is absent, and its default is taken."""
    sent = parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)
    # Of a repeated name the first counts.
    if "" in dict(reversed(sent)).values():
        return None
    return negative_data_rejection(ctx, response, case)


@schemathesis.hook
def before_call(context, case, kwargs):
    """What is valid is made small: a day of traffic or a scan of two million rows proves nothing more."""
    if case.query and str(case.query.get("wait")).lower() == "true":
        case.query["wait"] = "false"
    if not isinstance(case.body, dict):
        return
    for name, most in (("duration_seconds", 1), ("requests_per_minute", 60), ("peak_rpm", 60), ("strength", 1000)):
        value = case.body.get(name)
        if type(value) in (int, float) and most < value <= 86_400:
            case.body[name] = most

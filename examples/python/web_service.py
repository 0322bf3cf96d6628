"""A web service that runs each request in a pristine sandbox. Needs Flask.

    flask --app web_service run
    curl --json '[20]' http://127.0.0.1:5000/call/Fibonacci

The sandbox of a request is as the snapshot has it, whatever earlier requests did, and stops after a second.
"""

import libhyperlight as hl
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)


def start() -> hl.SandboxPool:
    with hl.Sandbox(hl.Guest.builtin("demo"), heap_size=8 << 20) as sandbox:
        snapshot = sandbox.snapshot()
    return hl.SandboxPool(snapshot, size=8, timeout=1.0, acquire_timeout=5.0, print=app.logger.info)


pool = start()


@app.post("/call/<function>")
def call(function: str) -> ResponseReturnValue:
    arguments = request.get_json()
    if not isinstance(arguments, list):
        return jsonify(error="the body is a JSON array of the arguments"), 400
    result = pool.call(function, *arguments)
    return jsonify(result=result.hex() if isinstance(result, bytes) else result)


STATUS = [
    (hl.FunctionNotFound, 404),
    (TypeError, 400),
    (OverflowError, 400),
    (hl.PayloadTooLarge, 413),
    (hl.PoolTimeout, 503),
    (hl.GuestTimeout, 504),
    (hl.HyperlightError, 502),
]


@app.errorhandler(hl.HyperlightError)
@app.errorhandler(TypeError)
@app.errorhandler(OverflowError)
def failed(error: Exception) -> ResponseReturnValue:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    return jsonify(error=str(error)), status

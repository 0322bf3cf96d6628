// A host in C++: handles that free themselves, host functions that are lambdas, exceptions that stay inside them.
#include "check.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Free {
    void operator()(hl_guest *guest) const { hl_guest_free(guest); }
    void operator()(hl_sandbox *sandbox) const { hl_sandbox_free(sandbox); }
};
using Guest = std::unique_ptr<hl_guest, Free>;
using Sandbox = std::unique_ptr<hl_sandbox, Free>;
using Function = std::function<hl_value(const std::vector<hl_value> &)>;

// A failure of the library, as an exception.
class Error : public std::runtime_error {
public:
    explicit Error(hl_error *error) : std::runtime_error(text(error)), code(hl_error_code(error)) { hl_error_free(error); }
    const hl_status code;

private:
    static std::string text(const hl_error *error) {
        const hl_bytes message = hl_error_message(error);
        return std::string(reinterpret_cast<const char *>(message.data), message.len);
    }
};

// Runs a call, which is given a place for its error.
template <typename Call> void check(Call call) {
    hl_error *error = nullptr;
    if (call(&error) != HL_OK) {
        throw Error(error);
    }
}

// What throws inside is caught here, before it could leave the callback.
extern "C" hl_status trampoline(void *user_data, hl_call *in_progress, const hl_value *args, size_t n_args,
                                hl_value *result) {
    try {
        *result = (*static_cast<Function *>(user_data))(std::vector<hl_value>(args, args + n_args));
        return HL_OK;
    } catch (const std::exception &exception) {
        return hl_call_fail(in_progress, hl_view(exception.what()));
    } catch (...) {
        return 77;
    }
}

int functions_alive = 0;

extern "C" void forget(void *user_data) {
    delete static_cast<Function *>(user_data);
    functions_alive--;
}

void add(const Sandbox &sandbox, const char *name, const std::vector<uint32_t> &params, uint32_t returns, Function body) {
    functions_alive++;
    check([&](hl_error **error) {
        return hl_sandbox_register(sandbox.get(), name, params.data(), params.size(), returns, trampoline,
                                   new Function(std::move(body)), forget, error);
    });
}

hl_value call_it(const Sandbox &sandbox, const char *name, const std::vector<hl_value> &args) {
    hl_value result;
    check([&](hl_error **error) {
        return hl_sandbox_call(sandbox.get(), name, args.data(), args.size(), &result, error);
    });
    return result;
}

Sandbox make() {
    hl_guest *guest = nullptr;
    hl_sandbox *sandbox = nullptr;
    check([&](hl_error **error) { return hl_guest_builtin("demo", &guest, error); });
    const Guest owned_guest(guest);
    check([&](hl_error **error) { return hl_sandbox_new(guest, nullptr, &sandbox, error); });
    return Sandbox(sandbox);
}

} // namespace

int main() {
    {
        Sandbox sandbox = make();
        int offset = 100;
        add(sandbox, "HostAdd", {HL_I32, HL_I32}, HL_I32, [&](const std::vector<hl_value> &args) {
            return hl_i32(args.at(0).as.i32 + args.at(1).as.i32 + offset);
        });
        add(sandbox, "Throw", {}, HL_VOID, [](const std::vector<hl_value> &) -> hl_value {
            throw std::out_of_range("there is no element 7");
        });
        add(sandbox, "ThrowAnything", {}, HL_VOID, [](const std::vector<hl_value> &) -> hl_value { throw 3; });
        // A name that nobody can have: the function is destroyed all the same.
        try {
            add(sandbox, "", {}, HL_VOID, [](const std::vector<hl_value> &) { return hl_void(); });
            CHECK(false);
        } catch (const Error &error) {
            CHECK(error.code == HL_ERR_INVALID_ARGUMENT);
        }
        CHECK(functions_alive == 3);

        check([&](hl_error **error) { return hl_sandbox_evolve(sandbox.get(), error); });
        CHECK(call_it(sandbox, "Add", {hl_i32(2), hl_i32(3)}).as.i32 == 105);
        try {
            call_it(sandbox, "HostCallLoop", {hl_string("Throw"), hl_u32(1)});
            CHECK(false);
        } catch (const Error &thrown) {
            CHECK(thrown.code == HL_ERR_HOST_FUNCTION);
            CHECK(std::string(thrown.what()) == "there is no element 7");
        }
        const hl_value name = hl_string("ThrowAnything");
        CHECK(call_it(sandbox, "CallHostExpectErrorCode", {name}).as.i32 == 77);
        check_alive(sandbox.get());
        CHECK(functions_alive == 3);
    }
    CHECK(functions_alive == 0);
    return 0;
}

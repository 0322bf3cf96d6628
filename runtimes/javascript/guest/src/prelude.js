// What belongs to the platform rather than to the language, where a class says it best. Runs once, before any script;
// everything that it needs later it keeps, so that scripts cannot take it away.
(function (native) {
  'use strict';

  const define = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  const { Promise, Proxy, Symbol, Uint8Array, String, TypeError, RangeError } = globalThis;
  const { apply } = Reflect;

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return native.encode(`${text}`);
    }
    encodeInto(text, target) {
      return native.encodeInto(`${text}`, target);
    }
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #kept = new Uint8Array(0);
    #started = false;

    constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
      this.#encoding = native.encoding(`${label}`);
      if (this.#encoding === undefined) throw new RangeError(`there is no decoder for ${label}`);
      this.#fatal = !!fatal;
      this.#ignoreBOM = !!ignoreBOM;
    }
    get encoding() {
      return this.#encoding;
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#ignoreBOM;
    }
    decode(bytes = new Uint8Array(0), { stream = false } = {}) {
      const kept = this.#kept;
      const started = this.#started;
      // Whatever happens, the next text starts anew unless this one goes on.
      this.#kept = new Uint8Array(0);
      this.#started = false;
      const result = native.decode(this.#encoding, kept, bytes, !!stream, this.#fatal, this.#ignoreBOM || started);
      if (stream) {
        this.#kept = result.rest;
        this.#started = started || result.text !== '';
      }
      return result.text;
    }
  }

  for (const [type, name] of [[TextEncoder, 'TextEncoder'], [TextDecoder, 'TextDecoder']]) {
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
    define(globalThis, name, type);
  }

  define(globalThis, 'crypto', {
    getRandomValues(view) {
      native.fillRandom(view);
      return view;
    },
    randomUUID: native.randomUUID,
  });
  define(globalThis, 'performance', {
    now: native.now,
    get timeOrigin() {
      return native.timeOrigin();
    },
  });
  define(Math, 'random', native.random);

  const host = new Proxy(Object.create(null), {
    get(functions, name) {
      if (typeof name !== 'string') return functions[name];
      // What the language itself asks every object for is a function of the host only if there is one.
      if ((name === 'then' || name === 'toJSON') && !native.hasHost(name)) return undefined;
      return functions[name] ??= native.bindHost(name);
    },
    has: (functions, name) => typeof name === 'string' && native.hasHost(name),
    set: (_, name) => { throw new TypeError(`host.${String(name)} belongs to the host`); },
    defineProperty: (_, name) => { throw new TypeError(`host.${String(name)} belongs to the host`); },
    deleteProperty: () => false,
    setPrototypeOf: () => false,
    ownKeys: () => [],
    getOwnPropertyDescriptor: () => undefined,
  });
  define(globalThis, 'host', host);

  // For the guest itself.
  const { from, isArray } = Array;
  const { BigInt } = globalThis;
  const { valueOf: booleanValue } = Boolean.prototype;
  const { toString: symbolText } = Symbol.prototype;
  const { getTime, toISOString } = Date.prototype;
  const { toString: regExpText } = RegExp.prototype;
  return {
    entries: (collection) => from(collection),
    host,
    isList: (proxy) => isArray(proxy),
    rawJSON: JSON.rawJSON('0'),
    bigInt: (text) => BigInt(text),
    isShort: (number) => (number < 0n ? -number : number) >> 65536n === 0n,
    Boolean: (object) => apply(booleanValue, object, []),
    Number: (object) => +object,
    String: (object) => `${object}`,
    adopt: (object, then) => new Promise((resolve, reject) => apply(then, object, [resolve, reject])),
    symbolText: (symbol) => apply(symbolText, symbol, []),
    dateText: (date) => (apply(getTime, date, []) >= -8.64e15 ? apply(toISOString, date, []) : 'Invalid Date'),
    regExpText: (expression) => apply(regExpText, expression, []),
  };
})

// An HTTP service that runs each request in a pristine sandbox.
//
//   node service.js [PORT]        curl 'localhost:3000/fibonacci/20'   curl -d 'hi' localhost:3000/echo

import Fastify from 'fastify'
import { Guest, HyperlightError, Sandbox, SandboxPool } from 'libhyperlight'

const warm = new Sandbox(Guest.builtin('demo'))
await warm.evolve()
const pool = new SandboxPool(await warm.snapshot(), { size: 8, timeoutMs: 1000, acquireTimeoutMs: 2000 })
warm.close()

const service = Fastify()
service.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

/** Stops the guest when its client disconnects. */
function leaving(request, reply) {
  const controller = new AbortController()
  reply.raw.on('close', () => reply.raw.writableFinished || controller.abort())
  return controller.signal
}

service.get('/fibonacci/:n', async (request, reply) => {
  const n = Number(request.params.n)
  const result = await pool.call('Fibonacci', n, { signal: leaving(request, reply) })
  return { result: String(result) }
})

service.post('/echo', async (request, reply) => pool.call('Echo', String(request.body), { signal: leaving(request, reply) }))

// An error of the guest is the request's fault; a timeout has its own status.
const STATUS = { ERR_HL_SIGNATURE: 400, ERR_HL_INVALID_ARGUMENT: 400, ERR_HL_TOO_LARGE: 413, ERR_HL_TIMEOUT: 504, ERR_HL_POOL_TIMEOUT: 503 }
service.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof HyperlightError)) throw error
  reply.status(STATUS[error.code] ?? 500).send({ code: error.code, message: error.message })
})
service.addHook('onClose', async () => pool.close())

const address = await service.listen({ port: Number(process.argv[2] ?? 3000), host: '127.0.0.1' })
console.log(`listening on ${address}`)
process.once('SIGTERM', () => service.close())

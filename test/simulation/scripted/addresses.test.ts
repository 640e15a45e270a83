/** §3.2 on real sockets: a member whose name has got another address. */
import { promises as dns } from 'node:dns'
import type { Connection } from '../../../lib/transport/transport.js'
import { tcp } from '../../../transports/tcp/index.js'
import { parseTcpAddress } from '../../../transports/tcp/tcp-address.js'
import { Violation } from '../checkers/violation.js'
import { replaceMethod } from '../mutants/mutant.js'
import { plays } from './played.js'

describe('a member that has moved', () => {
  let address = ''
  let undo = (): void => {}
  before(() => {
    const undoFour = replaceMethod(dns.Resolver.prototype, 'resolve4', () => (async () => [address]) as never)
    const undoSix = replaceMethod(dns.Resolver.prototype, 'resolve6', () => (async () => []) as never)
    undo = () => {
      undoSix()
      undoFour()
    }
  })
  after(() => undo())

  plays(
    'ZOOKEEPER-2982, ZOOKEEPER-2184: is found at its new address by the next dial, for its name is asked for anew',
    async () => {
      const [here, there] = [tcp({ port: 0 }), tcp({ port: 0 })]
      const accepted: Connection[] = []
      await there.listen(connection => accepted.push(connection))
      const { port } = parseTcpAddress(there.address)!
      const dial = (): Promise<Connection> =>
        here.dial(`tcp://moving.test:${port}`, { signal: new AbortController().signal })
      try {
        // Nobody is there.
        address = '127.0.0.2'
        const failed = await dial().then(
          () => false,
          () => true,
        )
        if (!failed) throw new Error('the story does not come about: somebody is at the old address')
        address = '127.0.0.1'
        const link = await dial().catch((error: unknown) => {
          throw new Violation('L1', `not so: it is found at its new address: ${error}`)
        })
        link.destroy()
      } finally {
        for (const each of accepted) each.destroy()
        await Promise.all([here.close(), there.close()])
      }
    },
    {
      name: 'what a name stood for once it stands for always',
      rows: ['L1'],
      plant: () => {
        let first: unknown
        return replaceMethod(dns.Resolver.prototype, 'resolve4', resolve4 => {
          const once = function (this: dns.Resolver, name: string): unknown {
            first ??= resolve4.call(this, name, { ttl: false })
            return first
          }
          return once as never
        })
      },
    },
  )
})

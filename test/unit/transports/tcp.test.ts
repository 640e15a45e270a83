import { once } from 'node:events'
import { connect } from 'node:net'
import { tcp } from '../../../transports/tcp/index.js'
import { transportCompliance } from '../../compliance/transport.js'

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))

transportCompliance('tcp', () => ({
  create: () => tcp({ port: 0 }),
  createAt: taken => tcp({ port: portOf(taken.address) }),
  nobody: () => 'tcp://127.0.0.1:1',
  raw: async address => {
    const socket = connect({ host: '127.0.0.1', port: portOf(address), noDelay: true })
    await once(socket, 'connect')
    return socket
  },
}))

import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { transportCompliance } from '../../compliance/transport.js'
import { HttpUpgradeTransport } from './http-upgrade-transport.js'

const textOf = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

transportCompliance('the README’s own transport', () => ({
  create: () => new HttpUpgradeTransport(0),
  createAt: taken => new HttpUpgradeTransport(Number(new URL(taken.address).port)),
  nobody: () => 'http://127.0.0.1:1',
  connects: 200,
}))

describe('transports/README.md', () => {
  it('shows the transport that the suite has been run over', () => {
    expect(textOf('../../../transports/README.md')).to.include(textOf('./http-upgrade-transport.ts'))
  })
})

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect } from 'chai'
import { type ErrorCode, hasCode } from '../../../lib/model/errors.js'
import { tcp } from '../../../transports/tcp/index.js'
import { findInHosts, resolveHost } from '../../../transports/tcp/resolve-host.js'
import { formatTcpAddress, parseTcpAddress } from '../../../transports/tcp/tcp-address.js'
import { canonicalName, namesOf } from '../../../transports/tcp/tls-identity.js'

const never = new AbortController().signal

describe('tcp options', () => {
  const complaint = (options: unknown): string => {
    try {
      tcp(options as never)
      return ''
    } catch (error) {
      expect(hasCode(error, 'BAD_OPTIONS'), String(error)).to.equal(true)
      return (error as Error).message
    }
  }

  it('CVE-2018-8012: need no protection on loopback, and outside it only where insecure is written out', () => {
    for (const host of [undefined, '127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
      expect(complaint({ port: 0, ...(host === undefined ? {} : { host }) })).to.equal('')
    }
    for (const host of ['10.0.0.1', 'zoo-1.example', 'fe80::1', '127.0.0.1.example', 'localhost.example']) {
      expect(complaint({ port: 2888, host })).to.match(/is not loopback/)
      expect(complaint({ port: 2888, host, insecure: false })).to.match(/is not loopback/)
      expect(complaint({ port: 2888, host, insecure: 1 })).to.match(/is not loopback/)
      expect(complaint({ port: 2888, host, insecure: true })).to.equal('')
    }
    expect(complaint({ port: 2888, host: '0.0.0.0', advertise: 'tcp://10.0.0.1:2888' })).to.match(/is not loopback/)
  })

  it('are complained about all at once, unknown names too', () => {
    const message = complaint({
      port: 70_000,
      host: 'a b',
      advertise: 'http://x',
      tls: { key: 1 },
      prot: 1,
      secret: 'too short',
    })
    expect(message).to.not.include('too short')
    for (const part of [
      'port',
      'host',
      'advertise',
      'tls.key',
      'tls.cert',
      'tls.ca',
      "'prot'",
      'secret must',
      'not both',
    ]) {
      expect(message).to.include(part)
    }
    expect(complaint(undefined)).to.match(/takes an object/)
    expect(complaint({ port: '2888' })).to.match(/port/)
    expect(complaint({ port: 1, host: '::', insecure: true })).to.match(/advertise is needed/)
  })

  it('give the address: the advertised one, or host and port', () => {
    expect(tcp({ port: 2888 }).address).to.equal('tcp://127.0.0.1:2888')
    expect(tcp({ port: 2888, host: '::1' }).address).to.equal('tcp://[::1]:2888')
    expect(tcp({ port: 2888, advertise: 'tcp://zoo-1:12888' }).address).to.equal('tcp://zoo-1:12888')
  })

  it('with port 0 take a free one, and a failed listen may be tried again', async () => {
    const one = tcp({ port: 0 })
    await one.listen(() => undefined)
    const { port } = parseTcpAddress(one.address)!
    expect(port).to.be.above(0)
    const two = tcp({ port })
    expect(hasCode(await two.listen(() => undefined).catch(error => error), 'PORT_IN_USE')).to.equal(true)
    await one.close()
    await two.listen(() => undefined)
    await two.close()
  })
})

describe('tcp address', () => {
  it('is read and written alike', () => {
    for (const [address, host, port] of [
      ['tcp://10.0.0.1:2888', '10.0.0.1', 2888],
      ['tcp://zoo-1.example:1', 'zoo-1.example', 1],
      ['tcp://[::1]:65535', '::1', 65_535],
      ['tcp://[2001:db8::a]:2888', '2001:db8::a', 2888],
    ] as const) {
      expect(parseTcpAddress(address)).to.deep.equal({ host, port })
      expect(formatTcpAddress(host, port)).to.equal(address)
    }
  })

  it('is refused when it is anything else', () => {
    for (const text of [
      '',
      'tcp://',
      'tcp://host',
      'tcp://host:',
      'tcp://:1',
      'tcp://host:0',
      'tcp://host:65536',
      'tcp://host:1x',
      'tcp://host:+1',
      'tcp://::1:2888',
      'tcp://[::1:2888',
      'tcp://[host]:1',
      'tcp://[]:1',
      'tcp://a b:1',
      'tcp://a/b:1',
      'tcp://u@h:1',
      'http://h:1',
      'host:1',
    ]) {
      expect(parseTcpAddress(text), text).to.equal(undefined)
    }
  })
})

describe('name resolution', () => {
  it('takes literals and localhost as they are', async () => {
    expect(await resolveHost('10.1.2.3')).to.deep.equal(['10.1.2.3'])
    expect(await resolveHost('::1')).to.deep.equal(['::1'])
    expect(await resolveHost('LocalHost')).to.deep.equal(['127.0.0.1'])
  })

  it('reads a hosts file, IPv4 first', () => {
    const text =
      '# 10.9.9.9 zoo-1\n::1 zoo-1 loop # zoo-2\n\t10.0.0.1\tZoo-1  zoo-1.example\r\nnonsense zoo-1\n10.0.0.2 zoo-2\n'
    expect(findInHosts(text, 'zoo-1')).to.deep.equal(['10.0.0.1', '::1'])
    expect(findInHosts(text, 'zoo-2')).to.deep.equal(['10.0.0.2'])
    expect(findInHosts(text, 'zoo-1.example')).to.deep.equal(['10.0.0.1'])
    expect(findInHosts(text, 'zoo')).to.deep.equal([])
  })

  const fails = async (promise: Promise<unknown>, code: ErrorCode) => {
    const error: unknown = await promise.catch(caught => caught)
    expect(hasCode(error, code), String(error)).to.equal(true)
  }

  /** A name server on loopback that knows `zoo-1.test` and, for AAAA, `zoo-6.test`; it never answers for `silent.test`. */
  const withNameServer = async (action: (server: string) => Promise<void>) => {
    const server = createSocket('udp4')
    server.on('message', (query, from) => {
      if (query.includes('silent')) return
      const isA = query.readUInt16BE(query.indexOf(0, 12) + 1) === 1
      const known = query.includes(isA ? 'zoo-1' : 'zoo-6')
      const question = query.subarray(12, query.indexOf(0, 12) + 5)
      const head = Buffer.from(query.subarray(0, 12))
      head.writeUInt16BE(known ? 0x8180 : 0x8183, 2) // an answer, or: no such name
      head.writeUInt16BE(known ? 1 : 0, 6)
      head.fill(0, 8)
      const data = isA ? Buffer.of(10, 0, 0, 7) : Buffer.from('20010db8000000000000000000000007', 'hex')
      const answer = Buffer.concat([
        Buffer.from('c00c', 'hex'),
        question.subarray(-4),
        Buffer.alloc(4),
        Buffer.of(0, data.length),
        data,
      ])
      server.send(Buffer.concat([head, question, known ? answer : Buffer.alloc(0)]), from.port, from.address)
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      await action(`127.0.0.1:${server.address().port}`)
    } finally {
      server.close()
    }
  }

  it('asks the name servers for what is not in the hosts file', () =>
    withNameServer(async server => {
      expect(await resolveHost('zoo-1.test', never, [server])).to.deep.equal(['10.0.0.7'])
      expect(await resolveHost('ZOO-6.test', never, [server])).to.deep.equal(['2001:db8::7'])
      await fails(resolveHost('zoo-3.test', never, [server]), 'TRANSPORT_FAILED')
    }))

  it('ends with its signal, and with its transport', () =>
    withNameServer(async server => {
      const abort = new AbortController()
      const resolving = resolveHost('silent.test', abort.signal, [server])
      abort.abort()
      await fails(resolving, 'ABORTED')
      await fails(resolveHost('silent.test', abort.signal, [server]), 'ABORTED')
      const transport = tcp({ port: 0 })
      const dialling = transport.dial('tcp://silent.invalid:1', { signal: never })
      const closing = transport.close()
      await fails(dialling, 'TRANSPORT_FAILED')
      await closing
    }))
})

describe('names of a certificate', () => {
  const of = (subjectaltname: string | undefined) => namesOf({ subjectaltname } as never)

  it('are its DNS names and addresses, in one spelling', () => {
    expect(of('DNS:Zoo-1.Example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:A')).to.deep.equal([
      'zoo-1.example',
      '10.0.0.1',
      '2001:db8::a',
    ])
    expect(canonicalName('2001:0DB8::000a')).to.equal('2001:db8::a')
  })

  it('CVE-2023-44981: are none where parts are missing, empty or dressed up', () => {
    for (const text of [
      undefined,
      '',
      'DNS:',
      'IP Address:',
      'URI:http://zoo-1/',
      'email:zoo-1',
      'DNS:"zoo-1, DNS:zoo-2"',
    ]) {
      expect(of(text)).to.deep.equal([])
    }
    expect(namesOf(undefined)).to.deep.equal([])
    expect(namesOf({ subject: { CN: 'zoo-1' } } as never)).to.deep.equal([])
  })
})

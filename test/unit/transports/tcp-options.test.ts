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
      secret: 'x',
    })
    for (const part of ['port', 'host', 'advertise', 'tls.key', 'tls.cert', 'tls.ca', "'prot'", "'secret'"]) {
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

  it('rejects a name that does not exist, and ends with the signal or the transport', async () => {
    const name = 'no-such-host.invalid'
    await fails(
      resolveHost(name, AbortSignal.timeout(3_000)).catch(error => Promise.reject(plain(error))),
      'TRANSPORT_FAILED',
    )
    const abort = new AbortController()
    const resolving = resolveHost(name, abort.signal)
    abort.abort()
    await fails(resolving, 'ABORTED')
    const transport = tcp({ port: 0 })
    const dialling = transport.dial(`tcp://${name}:1`, { signal: never })
    const closing = transport.close()
    await fails(dialling, 'TRANSPORT_FAILED')
    await closing
  })
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

/** Without a name server the deadline may come first; both are the refusal that is asked for here. */
function plain(error: unknown): unknown {
  return hasCode(error, 'ABORTED') ? Object.assign(error as Error, { code: 'TRANSPORT_FAILED' }) : error
}

import { expect } from 'chai'
import type { AuthScheme } from '../../../lib/auth/auth-scheme.js'
import { Authenticator, standardSchemes } from '../../../lib/auth/authenticator.js'
import { digestOf, digestScheme, isDigestAlgorithm } from '../../../lib/auth/digest.js'
import { ipIdentities, ipScheme } from '../../../lib/auth/ip.js'
import { sameText } from '../../../lib/auth/same-text.js'
import { x509Scheme } from '../../../lib/auth/x509.js'
import { bytes } from '../../helpers/fake-channel.js'

const nowhere = { address: undefined }
const somewhere = { address: '::ffff:10.1.2.3' }

describe('digest', () => {
  it('is the user and BASE64(SHA1("user:password")), byte for byte as ZooKeeper has it', () => {
    // The pair of ZooKeeper's documentation for superDigest.
    expect(digestOf('super:admin')).to.equal('super:xQJmxLMiHGwaqBvst5y6rkB6HQs=')
    expect(digestOf('a:b:c').startsWith('a:')).to.equal(true)
    expect(digestOf('a:b:c')).to.not.equal(digestOf('a:b'))
  })

  it('refuses nobody: another password is another identity', () => {
    const scheme = digestScheme()
    for (const auth of ['alice:secret', 'alice:wrong', 'nocolon', '', ':', 'ü:ß'])
      expect(scheme.authenticate(bytes(auth), nowhere)).to.deep.equal([{ scheme: 'digest', id: digestOf(auth) }])
  })

  it('makes super of the one whose digest is the configured one, beside the digest itself', () => {
    const scheme = digestScheme(digestOf('root:r'))
    expect(scheme.authenticate(bytes('root:r'), nowhere)).to.deep.equal([
      { scheme: 'digest', id: digestOf('root:r') },
      { scheme: 'super', id: '' },
    ])
    for (const auth of ['root:', 'root', 'Root:r', 'root:r\0', 'root:r:', 'super:r'])
      expect(scheme.authenticate(bytes(auth), nowhere), auth).to.have.lengthOf(1)
  })

  it('may be of another hash, for which superDigest is one, too', () => {
    const id = 'super:wtZw1Um4mq1rRKbXqxHs8ueodBP35/JhtBP/nwJ62WY='
    expect(digestOf('super:admin', 'sha256')).to.equal(id)
    const scheme = digestScheme(id, 'sha256')
    expect(scheme.authenticate(bytes('super:admin'), nowhere)).to.deep.equal([
      { scheme: 'digest', id },
      { scheme: 'super', id: '' },
    ])
    expect(scheme.authenticate(bytes('super:user'), nowhere)).to.have.lengthOf(1)
    expect([isDigestAlgorithm('sha256'), isDigestAlgorithm('rot13'), isDigestAlgorithm(1)]).to.deep.equal([
      true,
      false,
      false,
    ])
  })

  it('matches the whole identity only (CVE-2023-44981)', () => {
    const { matches } = digestScheme()
    expect(matches('alice:h', 'alice:h')).to.equal(true)
    for (const identity of ['alice:', 'alice', ':h', 'h', '', 'Alice:h', 'alice:h2', 'alice:h\0', 'alice:h:'])
      expect(matches('alice:h', identity), identity).to.equal(false)
    for (const id of ['alice:', '', ':h']) expect(matches(id, 'alice:h'), id).to.equal(false)
  })

  it('takes ids of just two parts, counted as Java does', () => {
    const { acceptsId } = digestScheme()
    for (const id of ['a:b', 'a:b:', ':b']) expect(acceptsId(id), id).to.equal(true)
    for (const id of ['', 'a', 'a:', ':', 'a:b:c', 'a::c']) expect(acceptsId(id), id).to.equal(false)
  })

  it('shows the name and never the hash', () => {
    const { userName } = digestScheme()
    expect(userName('alice:h')).to.equal('alice')
    expect(userName('nocolon')).to.equal('')
  })
})

describe('ip', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.0.0/16', '10.1.255.3', true],
    ['10.1.0.0/16', '10.2.0.0', false],
    ['10.1.2.200/25', '10.1.2.128', true],
    ['10.1.2.200/25', '10.1.2.127', false],
    ['0.0.0.0/0', '255.1.2.3', true],
    ['10.1.2.3/32', '10.1.2.3', true],
    ['::/0', '10.1.2.3', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['2001:db8::/32', '2001:db8:1:2:3:4:5:6', true],
    ['2001:db8::/32', '2001:db9:0:0:0:0:0:0', false],
    ['2001:db8::/33', '2001:db8:8000:0:0:0:0:0', false],
    ['10.0.0.0/8', 'ten', false],
    ['10.0.0.0/8', '', false],
  ]
  for (const [id, identity, expected] of rows)
    it(`${id} and ${identity}: ${expected}`, () => expect(ipScheme.matches(id, identity)).to.equal(expected))

  it('takes addresses with as many bits as they have, and no names', () => {
    for (const id of [
      '1.2.3.4',
      '1.2.3.4/0',
      '1.2.3.4/32',
      '010.0.0.1',
      '::',
      'fe80::1/128',
      '1:2:3:4:5:6:7:8',
      '::1.2.3.4',
    ])
      expect(ipScheme.acceptsId(id), id).to.equal(true)
    const bad = [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '1.2.3.-1',
      '1.2.3.4/33',
      '1.2.3.4/',
      '1.2.3.4/x',
      '1.2.3.4/8/8',
    ]
    for (const id of [
      ...bad,
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3',
      'fe80::1%eth0',
      '::1/129',
      'localhost',
      '12345::',
    ])
      expect(ipScheme.acceptsId(id), id).to.equal(false)
  })

  it('knows a connection by the address of its socket, whatever the client says (CVE-2024-51504)', () => {
    expect(ipScheme.authenticate(bytes('6.6.6.6'), somewhere)).to.deep.equal([{ scheme: 'ip', id: '10.1.2.3' }])
    expect(ipScheme.authenticate(bytes('6.6.6.6'), nowhere)).to.equal(undefined)
    expect(ipIdentities('::1')).to.deep.equal([{ scheme: 'ip', id: '0:0:0:0:0:0:0:1' }])
    expect(ipIdentities('fe80::1%eth0')).to.deep.equal([{ scheme: 'ip', id: 'fe80:0:0:0:0:0:0:1' }])
    expect(ipIdentities('unknown')).to.deep.equal([])
    expect(ipScheme.authenticates).to.equal(false)
  })

  it('takes a long hostile text in its stride', () => {
    for (const text of ['1.'.repeat(1e6), ':'.repeat(1e6), '1:'.repeat(1e6), `1.1.1.1/${'1'.repeat(1e6)}`])
      expect(ipScheme.acceptsId(text)).to.equal(false)
  }).timeout(2000)
})

describe('authenticator', () => {
  const throwing: AuthScheme = {
    ...x509Scheme,
    name: 'odd',
    authenticate: () => {
      throw new Error('the secret is s3cret')
    },
  }
  const authenticator = new Authenticator([...standardSchemes(), throwing])

  it('refuses what it does not know, and what throws', () => {
    for (const scheme of ['', 'world', 'auth', 'super', 'sasl', 'x509', 'odd', 'Digest', '__proto__', 'toString'])
      expect(authenticator.authenticate(scheme, bytes('super:admin'), nowhere), scheme).to.equal(undefined)
  })

  it('keeps nothing of the secret (etcd CVE-2021-28235)', () => {
    for (const scheme of ['digest', 'odd', 'unknown']) {
      const auth = bytes('alice:secret')
      authenticator.authenticate(scheme, auth, nowhere)
      expect(
        [...auth].every(byte => byte === 0),
        scheme,
      ).to.equal(true)
    }
  })
})

describe('sameText', () => {
  it('is equality', () => {
    const texts = ['', 'a', 'b', 'ab', 'aa', 'aab', '\0', 'ü']
    for (const a of texts) for (const b of texts) expect(sameText(a, b), `${a} ${b}`).to.equal(a === b)
  })
})

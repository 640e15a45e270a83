import { expect } from 'chai'
import { readProperties } from '../../../lib/cli/properties.js'
import { readZooCfg } from '../../../lib/cli/zoo-cfg.js'
import { configText } from '../../../lib/core/membership/config-text.js'
import { resolvePeerOptions } from '../../../lib/host/peer-options.js'
import { hasCode } from '../../../lib/model/errors.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { tcp } from '../../../transports/tcp/index.js'

const noMyid = () => undefined
const noFile = (file: string): string => {
  throw new Error(`nobody has asked for ${file}`)
}
const read = (...lines: string[]) => readZooCfg(lines.join('\n'), noMyid, noFile)

function complaintOf(...lines: string[]): string {
  try {
    read(...lines)
  } catch (error) {
    expect(hasCode(error, 'BAD_OPTIONS')).to.equal(true)
    return (error as Error).message
  }
  throw new Error('nothing was wrong with it')
}

describe("Java's properties", () => {
  it('are keys and values, however they are parted; comments and empty lines are none', () => {
    const text = '# a\n! b\n\n a = 1 \r\nb:2\nc 3\nd=x=y\ne\n'
    expect([...readProperties(text)]).to.deep.equal([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', 'x=y'],
      ['e', ''],
    ])
  })

  it('go on behind a backslash at the end of a line, and may be escaped', () => {
    const text = 'a=1,\\\n   2\nb\\=c=C:\\\\data\nd=end\\\\\ne=f'
    expect([...readProperties(text)]).to.deep.equal([
      ['a', '1,2'],
      ['b=c', 'C:\\data'],
      ['d', 'end\\'],
      ['e', 'f'],
    ])
  })

  it('are those of the last line with the key', () => {
    expect([...readProperties('a=1\na=2')]).to.deep.equal([['a', '2']])
  })
})

describe('zoo.cfg', () => {
  it('of three lines is a peer that stands alone', () => {
    const cfg = read('tickTime=2000', 'dataDir=/var/lib/zookeeper', 'clientPort=2181')
    expect(cfg).to.deep.include({ id: 1, dataDir: '/var/lib/zookeeper', quorum: undefined, audit: false, warnings: [] })
    expect(cfg.options).to.deep.equal({
      tickMs: 2000,
      extendedTypesEnabled: false,
      clientPort: { port: 2181, host: '0.0.0.0' },
    })
  })

  it("has ZooKeeper's defaults where it says nothing: a tick of 3 s, session timeouts of 2 and 20 of them", () => {
    const { options } = read('dataDir=:memory:', 'minSessionTimeout=-1')
    const { protocol } = resolvePeerOptions({ id: 1, dataDir: ':memory:', ...options })
    expect([protocol.tickMs, protocol.sessionTimeoutMinMs, protocol.sessionTimeoutMaxMs]).to.deep.equal([
      3000, 6000, 60_000,
    ])
    expect(options.clientPort).to.equal(undefined)
  })

  it('takes what has a meaning here, with and without the prefix of properties', () => {
    const { options, warnings } = read(
      'dataDir=:memory:',
      'clientPort=2181',
      'clientPortAddress=127.0.0.1',
      'maxClientCnxns=7',
      'maxCnxns=70',
      'minSessionTimeout=1000',
      'maxSessionTimeout=9000',
      'jute.maxbuffer=2000000',
      'globalOutstandingLimit=50',
      'clientPortListenBacklog=20',
      'clientTcpKeepAlive=true',
      'leaderServes=no',
      'electionAlg=3',
      '4lw.commands.whitelist=srvr, ruok',
      'zookeeper.extendedTypesEnabled=true',
      'enforceQuota=true',
      'zookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=',
      'skipACL=yes',
      'DigestAuthenticationProvider.digestAlg=SHA-256',
      'zookeeper.enableEagerACLCheck=true',
      'enforce.auth.enabled=true',
      'enforce.auth.schemes=digest',
      'localSessionsEnabled=true',
      'localSessionsUpgradingEnabled=true',
      'readonlymode.enabled=true',
      'znode.container.checkIntervalMs=1000',
    )
    expect(warnings).to.deep.equal([])
    expect(options).to.deep.include({
      sessionTimeoutMinMs: 1000,
      sessionTimeoutMaxMs: 9000,
      extendedTypesEnabled: true,
      enforceQuota: true,
      dataBytesMax: 2_000_000,
      superDigest: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=',
      skipAcl: true,
      digestAlgorithm: 'sha256',
      eagerAclCheck: true,
      enforceAuthSchemes: ['digest'],
      localSessionsEnabled: true,
      localSessionsUpgradingEnabled: true,
      readOnlyModeEnabled: true,
      containerCheckIntervalMs: 1000,
    })
    expect(options.clientPort).to.deep.equal({
      port: 2181,
      host: '127.0.0.1',
      fourLetterWords: ['srvr', 'ruok', 'isro'],
      connectionsPerAddressMax: 7,
      connectionsMax: 70,
      frameBytesMax: 2_000_000,
      outstandingMax: 50,
      listenBacklog: 20,
      keepAlive: true,
      leaderServes: false,
    })
    expect(resolvePeerOptions({ id: 1, dataDir: ':memory:', ...options }).clientPort?.host).to.equal('127.0.0.1')
  })

  it('knows the limits that ZooKeeper does not have by names of our own', () => {
    const { options, warnings } = read(
      'dataDir=:memory:',
      'clientPort=2181',
      'vivarium.connectionsPerSecondMax=500',
      'vivarium.connectionsPerSecondPerAddressMax=0',
      'vivarium.sessionlessMax=50',
    )
    expect(warnings).to.deep.equal([])
    expect(options.clientPort).to.deep.include({
      connectionsPerSecondMax: 500,
      connectionsPerSecondPerAddressMax: 0,
      sessionlessMax: 50,
    })
  })

  it('knows the throttles by the names that ZooKeeper reads, all of them off by default', () => {
    const throttles = [
      'request_throttle_max_requests=100',
      'request_throttle_stall_time=50',
      'zookeeper.request_stale_latency_check=true',
      'zookeeper.throttled_op_wait_time=3000',
      'connection_throttle_tokens=10',
      'connection_throttle_fill_time=5',
      'connection_throttle_fill_count=2',
      'connection_throttle_freeze_time=1000',
      'connection_throttle_drop_increase=0.1',
      'connection_throttle_drop_decrease=0.01',
      'connection_throttle_decrease_ratio=0.5',
      'connection_throttle_weight_enabled=true',
      'connection_throttle_renew_session_weight=3',
      'largeRequestThreshold=10000',
      'largeRequestMaxBytes=1000000',
    ]
    const { options, warnings } = read('dataDir=:memory:', 'clientPort=2181', ...throttles)
    expect(warnings).to.deep.equal([])
    expect(options.clientPort).to.deep.equal({
      port: 2181,
      host: '0.0.0.0',
      requestThrottleMax: 100,
      requestThrottleStallMs: 50,
      requestThrottleDropLate: true,
      throttledOpWaitMs: 3000,
      connectionTokensMax: 10,
      connectionTokensFillMs: 5,
      connectionTokensFillCount: 2,
      connectionTokensFreezeMs: 1000,
      connectionDropIncrease: 0.1,
      connectionDropDecrease: 0.01,
      connectionDropDecreaseRatio: 0.5,
      connectionTokenWeights: { global: 3, renew: 3, local: 1 },
      largeRequestBytes: 10_000,
      largeRequestBytesMax: 1_000_000,
    })
    const off = read(
      'dataDir=:memory:',
      'clientPort=2181',
      'largeRequestThreshold=-1',
      'request_throttle_drop_stale=no',
    )
    expect(off.options.clientPort).to.deep.include({ largeRequestBytes: 0 })
    expect(off.warnings.length).to.equal(1)
    const { clientPort } = resolvePeerOptions({ id: 1, dataDir: ':memory:', ...off.options })
    expect(clientPort).to.deep.include({ requestThrottleMax: 0, throttledOpWaitMs: 0, connectionTokensMax: 0 })
    const wrong = { port: 1, connectionDropIncrease: 2, connectionTokenWeights: { global: 1, renew: 2, local: 2 } }
    expect(() => resolvePeerOptions({ id: 1, dataDir: ':memory:', clientPort: wrong })).to.throw(
      /connectionDropIncrease must.*connectionTokenWeights must/,
    )
  })

  const three = [
    'dataDir=/data',
    'initLimit=10',
    'syncLimit=5',
    'server.1=10.0.0.1:2888:3888',
    'server.2=zk2.example:2889:3888:participant;2182',
    'server.3=[::1]:2890:3888:observer;127.0.0.1:2183',
  ]

  it('names the members: each at its first port, observers as such', () => {
    const myid = (directory: string): string => {
      expect(directory).to.equal('/data')
      return '2\n'
    }
    const cfg = readZooCfg(three.join('\n'), myid, noFile)
    expect(cfg.id).to.equal(2)
    expect(cfg.quorum).to.deep.equal({ host: 'zk2.example', port: 2889 })
    expect(cfg.options).to.deep.include({ initLimitTicks: 10, syncLimitTicks: 5 })
    expect(cfg.options.members).to.deep.equal({
      1: { address: 'tcp://10.0.0.1:2888', role: 'participant' },
      2: { address: 'tcp://zk2.example:2889', role: 'participant' },
      3: { address: 'tcp://[::1]:2890', role: 'observer' },
    })
    expect(cfg.options.clientPort).to.deep.equal({ port: 2182, host: '0.0.0.0' })
    const third = read(...three, 'vivarium.myid=3')
    expect(third.options.clientPort).to.deep.equal({ port: 2183, host: '127.0.0.1' })
  })

  it('may leave the members to another file, and has none of them itself then', () => {
    const files = new Map([['zoo.cfg.dynamic', [...three.slice(3), 'version=100000000'].join('\n')]])
    const own = [...three.slice(0, 3), 'dynamicConfigFile=zoo.cfg.dynamic', 'vivarium.myid=1']
    const both = (...lines: string[]) => readZooCfg([...own, ...lines].join('\n'), noMyid, file => files.get(file)!)
    expect(Object.keys(both().options.members!)).to.deep.equal(['1', '2', '3'])
    expect(both().warnings).to.deep.equal([])
    expect(() => both('group.1=1:2')).to.throw('group.1 must be in zoo.cfg.dynamic')
    files.set('zoo.cfg.dynamic', 'server.1=a:1\nclientPort=1')
    expect(() => both()).to.throw(/server\.1=a:1.*clientPort has no meaning in zoo\.cfg\.dynamic/)
  })

  it('may let it listen at every interface, and have the others dial what its line says', () => {
    const { quorum } = read(...three, 'vivarium.myid=1', 'quorumListenOnAllIPs=true')
    expect(quorum).to.deep.equal({ host: '0.0.0.0', port: 2888, advertise: 'tcp://10.0.0.1:2888' })
  })

  it('with one server line stands alone, under that id', () => {
    const cfg = read('dataDir=:memory:', 'server.5=127.0.0.1:2888:3888')
    expect([cfg.id, cfg.quorum, cfg.options.members]).to.deep.equal([5, undefined, undefined])
  })

  describe('with weights and groups', () => {
    const six = [
      'dataDir=/data',
      'initLimit=10',
      'syncLimit=5',
      'vivarium.myid=1',
      ...[1, 2, 3, 4, 5].map(id => `server.${id}=10.0.0.${id}:2888:3888`),
      'server.6=10.0.0.6:2888:3888:observer',
    ]

    it('says how much each participant counts, and where: 1 by default', () => {
      const { options, warnings } = read(...six, 'group.1=1:2', 'group.2=3:4:5', 'weight.2=3', 'weight.5=0')
      expect(warnings).to.deep.equal([])
      const { members } = resolvePeerOptions({
        id: 1,
        dataDir: '/data',
        transport: tcp({ port: 0 }),
        ...options,
      }).config
      expect(members.map(({ id, weight, group }) => [id, weight, group])).to.deep.equal([
        [1, 1, 1],
        [2, 3, 1],
        [3, 1, 2],
        [4, 1, 2],
        [5, 0, 2],
        [6, undefined, undefined],
      ])
      const text = configText({ version: ZERO, members })
      for (const line of ['group.1=1:2', 'group.2=3:4:5', 'weight.2=3', 'weight.5=0']) expect(text).to.include(line)
    })

    it('is complained of where a participant has no group, or two, or is none; an observer does not count', () => {
      expect(complaintOf(...six, 'group.1=1:2:3')).to.include('server 4 is not in a group; server 5 is not in a group')
      expect(complaintOf(...six, 'weight.1=2')).to.include('server 1 is not in a group')
      expect(complaintOf(...six, 'group.1=1:2:3', 'group.2=3:4:5')).to.include('server 3 is in multiple groups')
      expect(complaintOf(...six, 'group.1=1:2:3:4:5:7')).to.include('there is no server.7')
      expect(complaintOf(...six, 'group.1=1:b')).to.include('group.1=1:b')
      expect(complaintOf(...six, 'group.1=1:2:3:4:5', 'weight.1=-1')).to.include('weight.1=-1')
      expect(read(...six, 'group.1=1:2:3:4:5:6').warnings[0]).to.include('server 6 is an observer')
    })

    it('is refused where nobody would vote', () => {
      const { options } = read(...six, 'group.1=1:2:3:4:5', ...[1, 2, 3, 4, 5].map(id => `weight.${id}=0`))
      expect(() => resolvePeerOptions({ id: 1, dataDir: '/data', transport: tcp({ port: 0 }), ...options })).to.throw(
        'no participant that votes',
      )
    })
  })

  it('is warned of by name where it says what has no meaning here', () => {
    const { warnings } = read('dataDir=/data', 'dataLogDir=/log', 'autopurge.purgeInterval=1', 'nonsense=x')
    expect(warnings.map(warning => warning.split(':')[0])).to.deep.equal([
      'dataLogDir',
      'autopurge.purgeInterval',
      'nonsense',
    ])
  })

  it('complains of all that is wrong in one error', () => {
    const all = complaintOf('tickTime=soon', 'server.1=a:1:2', 'server.2=b:1', 'server.300=c:1:2', 'server.4=d:1:2')
    for (const part of ['dataDir is missing', 'tickTime=soon', 'server.2=b:1', 'server.300', 'initLimit', 'syncLimit'])
      expect(all).to.include(part)
    expect(complaintOf(...three)).to.include('myid is missing')
    expect(complaintOf(...three, 'vivarium.myid=9')).to.include('there is no server.9')
    expect(complaintOf(...three, 'vivarium.myid=255')).to.include('255 is none from 1 to 254')
    expect(complaintOf('dataDir=/d', 'electionAlg=0')).to.include('electionAlg')
    expect(complaintOf('dataDir=/d', 'DigestAuthenticationProvider.enabled=false')).to.include('digest')
    expect(complaintOf('dataDir=/d', 'enforce.auth.enabled=true')).to.include('enforce.auth.schemes')
  })
})

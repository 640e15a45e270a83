/** The folder of the main job beside the subtree that is kept in step with it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { filter, firstValueFrom } from 'rxjs'
import { type Client, json, Peer } from 'vivarium'
import { ConfigFolder } from '../../examples/main-job/config-folder.js'

describe('a folder of configuration files', () => {
  let folder: string
  let peer: Peer
  let zk: Client<unknown>
  let config: ConfigFolder
  let said: string[]

  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const shows = (path: string, value: unknown) =>
    firstValueFrom(zk.data$(path).pipe(filter(state => JSON.stringify(state.value) === JSON.stringify(value))))

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vivarium-folder-'))
    peer = await Peer.open({ id: 1, dataDir: ':memory:' })
    zk = await peer.client({ codec: json })
    said = []
    config = new ConfigFolder(zk, folder, '/config', text => said.push(text))
  })
  afterEach(async () => {
    await config.stop()
    await zk.close()
    await peer.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is loaded, and followed: files and folders that come, change and go', async () => {
    write('a.json', '{ "n": 1 }')
    config.start()
    await shows('/config/a.json', { n: 1 })
    write('a.json', '{ "n": 2 }')
    await shows('/config/a.json', { n: 2 })
    mkdirSync(join(folder, 'deep', 'er'), { recursive: true })
    write('deep/er/b.json', 'true')
    await shows('/config/deep/er/b.json', true)
    rmSync(join(folder, 'deep'), { recursive: true })
    await firstValueFrom(zk.exists$('/config/deep').pipe(filter(state => !state.exists)))
    expect(said).to.deep.equal([])
  })

  it('says so when there is no such folder', async () => {
    rmSync(folder, { recursive: true })
    config.start()
    await config.stop()
    expect(said.join()).to.match(/^cannot watch .*ENOENT/)
  })

  it('keeps what a file said before it was broken, tells it once, and loads the others', async () => {
    write('broken.json', '{ "n": 1 }')
    config.start()
    await shows('/config/broken.json', { n: 1 })
    write('broken.json', '{ "n": ')
    write('large.json', JSON.stringify('x'.repeat(1_200_000)))
    write('sound.json', '1')
    await shows('/config/sound.json', 1)
    write('sound.json', '2')
    await shows('/config/sound.json', 2)
    expect((await zk.get('/config/broken.json')).value).to.deep.equal({ n: 1 })
    expect(await zk.exists('/config/large.json')).to.equal(undefined)
    await config.stop()
    expect(said.map(text => text.replace(/ is left as it was: .*/, ''))).to.have.members([
      join(folder, 'broken.json'),
      '/config/large.json',
    ])

    write('broken.json', '{ "n": 2 }')
    config.start()
    await shows('/config/broken.json', { n: 2 })
  })
})

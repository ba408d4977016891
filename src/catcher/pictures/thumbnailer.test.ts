import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import { PhotonImage } from '@silvia-odwyer/photon-node'
import { RealClock } from '../../net/real-clock.ts'
import { tryDimensions } from './dimensions.ts'
import { defaultThumbnailLimits, Thumbnailer, type ThumbnailLimits } from './thumbnailer.ts'

type Colour = readonly [red: number, green: number, blue: number, opacity: number]

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A PNG of that size. `claims`: what its header says instead. */
function png(
  [width, height]: readonly [number, number],
  colourAt: (x: number) => Colour,
  claims: readonly [number, number] = [width, height],
): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(claims[0], 0)
  header.writeUInt32BE(claims[1], 4)
  header.set([8, 6], 8)
  const row = Buffer.from([0, ...Array.from({ length: width }, (_, x) => [...colourAt(x)]).flat()])
  const rows = Buffer.concat(Array.from({ length: height }, () => row))
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const red: Colour = [255, 0, 0, 255]
const blue: Colour = [0, 0, 255, 255]
const clear: Colour = [0, 0, 0, 0]

async function withThumbnailer(
  work: (thumbnailer: Thumbnailer) => Promise<void>,
  limits: Partial<ThumbnailLimits> = {},
): Promise<void> {
  await using thumbnailer = new Thumbnailer(new RealClock(), { ...defaultThumbnailLimits, ...limits })
  await work(thumbnailer)
}

interface Shown {
  readonly size: readonly [number, number]
  /** `red`, `blue` or `white`, as far as JPEG keeps them apart. */
  at(x: number, y: number): string
}

function look(jpeg: Uint8Array | undefined): Shown {
  assert.ok(jpeg !== undefined, 'there is no thumbnail')
  assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8])
  const image = PhotonImage.new_from_byteslice(jpeg)
  const [size, rgba] = [[image.get_width(), image.get_height()] as const, image.get_raw_pixels()]
  return {
    size,
    at(x, y) {
      const from = (y * size[0] + x) * 4
      const [r = 0, g = 0, b = 0] = rgba.subarray(from, from + 3)
      if (g > 200) return 'white'
      return r > 200 && b < 60 ? 'red' : b > 200 && r < 60 ? 'blue' : `${r},${g},${b}`
    },
  }
}

test('a large picture fills the frame and is cut at its sides', async () => {
  await withThumbnailer(async (thumbnailer) => {
    // Blue at both ends, which do not fit.
    const wide = png([1200, 240], (x) => (x < 300 || x >= 900 ? blue : red))
    const { size, at } = look(await thumbnailer.make(wide))
    assert.deepEqual(size, [180, 120])
    assert.deepEqual([at(2, 60), at(90, 2), at(177, 117)], ['red', 'red', 'red'])
  })
})

test('a small picture stands in the middle on white, and so does what can be seen through', async () => {
  await withThumbnailer(async (thumbnailer) => {
    const small = look(await thumbnailer.make(png([60, 40], () => red)))
    assert.deepEqual([small.at(90, 60), small.at(40, 60), small.at(90, 20)], ['red', 'white', 'white'])
    // Lower than the frame and wider: all of its width is seen.
    const banner = look(await thumbnailer.make(png([720, 80], (x) => (x < 360 ? red : blue))))
    assert.deepEqual([banner.at(10, 60), banner.at(170, 60), banner.at(90, 20)], ['red', 'blue', 'white'])
    const through = look(await thumbnailer.make(png([400, 400], (x) => (x < 200 ? clear : red))))
    assert.deepEqual([through.at(40, 60), through.at(140, 60)], ['white', 'red'])
  })
})

test('JPEG, WebP and GIF have thumbnails too', async () => {
  await withThumbnailer(async (thumbnailer) => {
    const image = PhotonImage.new_from_byteslice(png([400, 300], () => blue))
    for (const octets of [image.get_bytes_jpeg(80), image.get_bytes_webp()]) {
      assert.deepEqual(tryDimensions(octets), { width: 400, height: 300 })
      assert.equal(look(await thumbnailer.make(octets)).at(90, 60), 'blue')
    }
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
    assert.deepEqual(look(await thumbnailer.make(gif)).size, [180, 120])
  })
})

test('what says that it is huge is not decoded, whatever it holds', async () => {
  await withThumbnailer(
    async (thumbnailer) => {
      assert.equal(await thumbnailer.make(png([10, 10], () => red, [60_000, 60_000])), undefined)
      assert.equal(await thumbnailer.make(png([101, 100], () => red)), undefined)
      assert.ok(await thumbnailer.make(png([100, 100], () => red)))
      assert.equal(
        await thumbnailer.make(Buffer.concat([png([9, 9], () => red), Buffer.alloc(5000)])),
        undefined,
      )
    },
    { mostPixels: 10_000, longest: 5000 },
  )
})

test('what breaks its decoder has none, and those behind it do', async () => {
  await withThumbnailer(async (thumbnailer) => {
    const whole = png([300, 300], () => red)
    const made = await Promise.all([
      thumbnailer.make(whole.subarray(0, 60)),
      thumbnailer.make(png([10, 10], () => red, [2000, 2000])),
      thumbnailer.make(whole),
      thumbnailer.make(Buffer.from('GIF89a\u0001\u0000\u0001\u0000 and nothing else')),
      thumbnailer.make(whole),
    ])
    assert.deepEqual(
      made.map((one) => one !== undefined),
      [false, false, true, false, true],
    )
  })
})

test('one that takes too long has none', async () => {
  const whole = png([300, 300], () => red)
  await withThumbnailer(async (thumbnailer) => assert.equal(await thumbnailer.make(whole), undefined), {
    time: 0,
  })
})

test('what is no picture has no dimensions, wherever it is cut', () => {
  const jpeg = PhotonImage.new_from_byteslice(png([40, 30], () => red)).get_bytes_jpeg(80)
  for (const octets of [png([40, 30], () => red), jpeg]) {
    for (let length = 0; length < octets.length; length++) {
      const found = tryDimensions(octets.subarray(0, length))
      assert.ok(found === undefined || found.width === 40)
    }
  }
  for (const text of ['', 'BM', 'RIFF', `RIFF${' '.repeat(30)}`, '\u00ff\u00d8\u00ff\u00ff\u00ff'])
    assert.equal(tryDimensions(Buffer.from(text, 'latin1')), undefined)
  assert.equal(tryDimensions(png([1, 1], () => red, [0, 7])), undefined)
})

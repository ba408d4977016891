// The thread in which pictures of caught mail are decoded and scaled: a decoder that a hostile picture breaks, or keeps busy, ends with
// its thread and nothing else. One picture at a time; the other side counts the pixels before and the time.
import { parentPort } from 'node:worker_threads'
import { PhotonImage, resize, SamplingFilter } from '@silvia-odwyer/photon-node'
import type { FromPictureWorker, ToPictureWorker } from './thumbnailer.ts'

const port = parentPort
if (!port) throw new Error('this file runs as a worker thread')

const quality = 80

interface Pixels {
  readonly width: number
  readonly height: number
  /** Four octets each, row by row. */
  readonly rgba: Uint8Array
}

function scaled({ picture, width, height }: ToPictureWorker): Uint8Array {
  const whole = PhotonImage.new_from_byteslice(picture)
  const [ownWidth, ownHeight] = [whole.get_width(), whole.get_height()]
  // What is smaller than the frame stands in it as it is, as far as it fits; all else fills it.
  const isSmall = ownWidth < width || ownHeight < height
  const scale = isSmall
    ? Math.min(1, width / ownWidth, height / ownHeight)
    : Math.max(width / ownWidth, height / ownHeight)
  const to = (own: number): number => Math.max(1, Math.round(own * scale))
  const image = scale === 1 ? whole : resize(whole, to(ownWidth), to(ownHeight), SamplingFilter.Triangle)
  const framed = inFrame(
    { width: image.get_width(), height: image.get_height(), rgba: image.get_raw_pixels() },
    { width, height },
  )
  return new PhotonImage(framed, width, height).get_bytes_jpeg(quality)
}

/** The middle of a picture on white, of exactly that size. */
function inFrame(picture: Pixels, { width, height }: { width: number; height: number }): Uint8Array {
  const frame = new Uint8Array(width * height * 4).fill(255)
  const left = Math.floor((width - picture.width) / 2)
  const top = Math.floor((height - picture.height) / 2)
  for (let y = Math.max(0, top); y < Math.min(height, top + picture.height); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + picture.width); x++) {
      const from = ((y - top) * picture.width + (x - left)) * 4
      const to = (y * width + x) * 4
      const opacity = (picture.rgba[from + 3] ?? 255) / 255
      for (let colour = 0; colour < 3; colour++)
        frame[to + colour] = 255 - (255 - (picture.rgba[from + colour] ?? 255)) * opacity
    }
  }
  return frame
}

port.on('message', (job: ToPictureWorker) => {
  const jpeg = Uint8Array.from(scaled(job))
  port.postMessage({ jpeg } satisfies FromPictureWorker, [jpeg.buffer])
})

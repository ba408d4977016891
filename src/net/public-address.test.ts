// Which addresses are outside.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from './public-address.ts'

test('addresses that are not for everyone', () => {
  const closed =
    '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.1.1 172.31.0.1 192.168.0.1 198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 64:ff9b::127.0.0.1 fc00::1 fe80::1 ff02::1 64:ff9b:1::7f00:1 2001:0:7f00::1 2002:7f00:1::1 nonsense'
  for (const address of closed.split(' ')) assert.equal(isPublicAddress(address), false, address)
  const open =
    '8.8.8.8 100.63.0.1 172.32.0.1 198.20.0.1 2606:4700::1 2001:4860::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8'
  for (const address of open.split(' ')) assert.equal(isPublicAddress(address), true, address)
})

// The certificate that every listener serves.
import { z } from 'zod'

export const tlsSection = z
  .strictObject({
    certificate: z
      .string()
      .optional()
      .describe('PEM file with the certificate and its chain; re-read when it changes.'),
    key: z.string().optional().describe('PEM file with the private key.'),
  })
  .refine((tls) => (tls.certificate === undefined) === (tls.key === undefined), {
    message: 'tls.certificate and tls.key belong together: give both, or neither for a self-signed one',
  })
  .prefault({})

export type TlsConfig = z.output<typeof tlsSection>

// The certificate that every listener serves.
import { z } from 'zod'

export const tlsSection = z
  .strictObject({
    certificate: z
      .string()
      .optional()
      .describe('PEM file with the certificate and its chain; re-read when it changes.'),
    key: z.string().optional().describe('PEM file with the private key.'),
    clientAuthorities: z
      .string()
      .optional()
      .describe(
        'PEM file with the authorities whose client certificates are believed: clients are asked for one, and may log in with it by SASL EXTERNAL. Nobody is refused for having none.',
      ),
  })
  .refine((tls) => (tls.certificate === undefined) === (tls.key === undefined), {
    message: 'tls.certificate and tls.key belong together: give both, or neither for a self-signed one',
  })
  .prefault({})

export type TlsConfig = z.output<typeof tlsSection>

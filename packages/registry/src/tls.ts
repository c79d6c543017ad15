import { filePath } from '@smartstack/daemon';
import { z } from 'zod';

/** How a registry's servers are spoken to over TLS, and which certificate is shown to them. */
export const tlsSchema = z
  .strictObject({
    ca: filePath.optional().meta({
      description: "PEM file of who signed the servers' certificates",
      otherwise: 'the authorities that Node.js knows',
      examples: ['/etc/smartstack/ca.pem'],
    }),
    cert: filePath.optional().meta({
      description: "PEM file of this machine's certificate, where the servers ask for one",
      examples: ['/etc/smartstack/machine.pem'],
    }),
    key: filePath.optional().meta({
      description: "PEM file of that certificate's key",
      examples: ['/etc/smartstack/machine.key'],
    }),
    server_name: z
      .string()
      .optional()
      .meta({
        description: 'the name that the certificates must carry',
        otherwise: "the host's",
        examples: ['registry.example.com'],
      }),
    insecure: z.boolean().default(false).meta({ description: 'accepts any certificate' }),
  })
  // A certificate without its key is shown to nobody, and the servers' refusal names neither.
  .refine(({ cert, key }) => cert === undefined || key !== undefined, {
    path: ['cert'],
    error: 'needs its key',
  })
  .refine(({ cert, key }) => key === undefined || cert !== undefined, {
    path: ['key'],
    error: 'needs its cert',
  });

export type TlsSection = z.output<typeof tlsSchema>;

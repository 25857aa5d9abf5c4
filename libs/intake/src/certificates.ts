import { TransientError } from '@spillway/contracts';
import type { ProviderIo } from '@spillway/sources';
import { type Dispatcher, request } from 'undici';

const KEEP_MS = 6 * 3_600_000;
const MOST = 100;
const MOST_BYTES = 65_536;

/** Certificates that senders name by URL; the provider has checked that the URL is the sender's. */
export class CertificateCache implements ProviderIo {
  private readonly kept = new Map<string, { pem: Promise<string>; until: number }>();

  /** @param dispatcher makes the connections, and says where they may go */
  constructor(private readonly dispatcher: Dispatcher) {}

  /** @throws TransientError `certificate-unavailable` (503: the sender will come again) */
  fetchCertificate(url: string): Promise<string> {
    const known = this.kept.get(url);
    if (known && known.until > Date.now()) return known.pem;
    const pem = download(url, this.dispatcher);
    if (this.kept.size >= MOST) this.kept.clear();
    this.kept.set(url, { pem, until: Date.now() + KEEP_MS });
    // A failure is not worth keeping.
    pem.catch(() => this.kept.delete(url));
    return pem;
  }
}

/** Redirects are not followed: they would lead out of the checked host. */
async function download(url: string, dispatcher: Dispatcher): Promise<string> {
  try {
    const response = await request(url, { signal: AbortSignal.timeout(5_000), dispatcher });
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw new TransientError('the certificate of the sender could not be fetched', {
      code: 'certificate-unavailable',
      status: 503,
      retryAfterMs: 5_000,
      cause,
    });
  }
}

import type { InboundRequest, Verdict } from '../provider';
import { anySecret, checkWindow, fromHex, hmac, refuse, sameBytes, signatureHeader } from './signature';

/** A header of fields such as `t=<seconds>,v1=<hex>` with a HMAC-SHA256 over time, separator and body. */
export interface TimedHeader {
  header: string;
  /** Between fields: `,` or `;`. */
  delimiter: string;
  timeField: string;
  signatureField: string;
  /** Between time and body: `.` or `:`. */
  separator: string;
}

export function verifyTimedHeader(
  format: TimedHeader,
  request: InboundRequest,
  secrets: readonly string[],
  toleranceSeconds: number,
): Verdict {
  const header = signatureHeader(request, format.header);
  if (typeof header !== 'string') return header;
  const fields = header.split(format.delimiter).map((field) => field.split('=', 2) as [string, string | undefined]);
  const times = fields.filter(([name]) => name === format.timeField);
  const signatures = fields
    .filter(([name]) => name === format.signatureField)
    .map(([, value]) => fromHex(value ?? '', 32))
    .filter((signature) => signature !== undefined);
  const time = times[0]?.[1];
  // Of two times, which one was signed? Schemes other than ours are ignored.
  if (times.length !== 1 || time === undefined || signatures.length === 0) {
    const { timeField, signatureField, delimiter } = format;
    return refuse(
      'signature-malformed',
      `${format.header} is not ${timeField}=<seconds>${delimiter}${signatureField}=<hex>`,
    );
  }
  const window = checkWindow(time, 's', request, toleranceSeconds);
  if (!window.ok) return window;
  return anySecret(secrets, (secret) => {
    const expected = hmac('sha256', secret, `${time}${format.separator}`, request.rawBody);
    return signatures.some((signature) => sameBytes(expected, signature));
  });
}

export function signTimedHeader(
  format: TimedHeader,
  body: string,
  secret: string,
  now: number,
): Record<string, string> {
  const time = String(Math.floor(now / 1_000));
  const signature = hmac('sha256', secret, `${time}${format.separator}`, body).toString('hex');
  return { [format.header]: `${format.timeField}=${time}${format.delimiter}${format.signatureField}=${signature}` };
}

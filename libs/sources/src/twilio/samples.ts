import { jsonSample } from '../primitives/json-sample';
import type { Sample } from '../provider';

export const twilioSampleTypes = [
  'message.delivered',
  'message.received',
  'call.completed',
  'com.twilio.messaging.message.delivered',
];

/** Forms for messages and calls, a JSON array for Event Streams. */
export function twilioSample(type: string, seed: string): Sample {
  if (type.startsWith('com.twilio.')) {
    const data = { messageSid: `SM${seed}`, messageStatus: 'DELIVERED' };
    return jsonSample(type, [
      {
        specversion: '1.0',
        id: `EZ${seed}`,
        type,
        source: '/demo',
        subject: `SM${seed}`,
        time: '2026-11-20T10:00:00.000Z',
        data,
      },
    ]);
  }
  const [kind, status = ''] = type.split('.');
  const own: Record<string, string> =
    kind === 'message'
      ? { MessageSid: `SM${seed}`, MessageStatus: status }
      : { CallSid: `CA${seed}`, CallStatus: status, SequenceNumber: '3' };
  const form = new URLSearchParams({ ...own, AccountSid: 'AC1', From: '+15550100', To: '+15550101' });
  return { type, contentType: 'application/x-www-form-urlencoded', body: form.toString() };
}

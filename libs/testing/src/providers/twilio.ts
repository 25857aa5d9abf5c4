import { type Asked, FakeProvider, formOf, isForm, type Reply } from './fake-provider';

export interface TwilioMessage {
  sid: string;
  to: string;
  from: string | null;
  body: string;
  status: string;
  direction: 'outbound-api';
  date_created: string;
}

/**
 * Twilio's Messages (2010-04-01) and Lookup v2: basic authentication, form bodies, numbered errors.
 *
 * @see https://www.twilio.com/docs/messaging/api/message-resource https://www.twilio.com/docs/api/errors
 */
export class FakeTwilio extends FakeProvider {
  readonly accountSid = `AC${'0'.repeat(32)}`;
  readonly authToken = 'twilio-auth-token-0123456789';
  readonly messages: TwilioMessage[] = [];

  errorBody(status: number): unknown {
    const code = status === 429 ? 20_429 : 20_500;
    return { code, message: status === 429 ? 'Too Many Requests' : 'Internal Server Error', more_info: '', status };
  }

  protected answer(request: Asked): Reply {
    const expected = `Basic ${Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64')}`;
    if (request.headers.authorization !== expected) return problem(401, 20_003, 'Authenticate');
    const account = `/2010-04-01/Accounts/${this.accountSid}`;
    if (request.path === `${account}/Messages.json`)
      return request.method === 'POST' ? this.send(request) : this.list(request);
    const [, number] = /^\/v2\/PhoneNumbers\/(.+)$/.exec(request.path) ?? [];
    if (number && request.method === 'GET') return lookup(decodeURIComponent(number), request.query);
    return problem(404, 20_404, `The requested resource ${request.path} was not found`);
  }

  private send(request: Asked): Reply {
    if (!isForm(request)) return problem(400, 20_001, 'Unknown content type');
    const form = formOf(request);
    if (!form['To']) return problem(400, 21_604, "A 'To' phone number is required.");
    if (!form['From'] && !form['MessagingServiceSid'])
      return problem(400, 21_603, "A 'From' phone number is required.");
    if (!form['Body']) return problem(400, 21_602, 'Message body is required.');
    // The number that Twilio's own test credentials refuse: https://www.twilio.com/docs/iam/test-credentials
    if (form['To'] === '+15005550001') return problem(400, 21_211, `Invalid 'To' Phone Number: ${form['To']}`);
    const message: TwilioMessage = {
      sid: `SM${String(this.messages.length + 1).padStart(32, '0')}`,
      to: form['To'],
      from: form['From'] ?? null,
      body: form['Body'],
      status: 'queued',
      direction: 'outbound-api',
      date_created: new Date().toUTCString(),
    };
    this.messages.unshift(message);
    return { status: 201, body: message };
  }

  private list(request: Asked): Reply {
    const to = request.query.get('To');
    const messages = this.messages.filter((message) => !to || message.to === to);
    return { status: 200, body: { messages, page: 0, page_size: 50, next_page_uri: null, uri: request.path } };
  }
}

function lookup(number: string, query: URLSearchParams): Reply {
  const valid = /^\+1\d{10}$/.test(number);
  const wantsLine = query.get('Fields')?.includes('line_type_intelligence');
  return {
    status: 200,
    body: {
      phone_number: number,
      valid,
      country_code: valid ? 'US' : null,
      national_format: valid ? `(${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}` : null,
      line_type_intelligence: wantsLine && valid ? { type: 'mobile', carrier_name: 'Fake Mobile' } : null,
    },
  };
}

function problem(status: number, code: number, message: string): Reply {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}

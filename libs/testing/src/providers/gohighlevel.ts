import { type Asked, FakeProvider, isJson, jsonOf, type Reply } from './fake-provider';

interface Contact extends Record<string, unknown> {
  id: string;
  phone?: string;
  email?: string;
  tags: string[];
}

interface Message {
  id: string;
  conversationId: string;
  contactId: string;
  body: string;
  direction: 'outbound';
  dateAdded: string;
  from?: string;
}

/**
 * GoHighLevel's contacts and conversations (API v2): bearer token of a location, a `Version` header, errors with
 * `statusCode` and `message`, and the state of the rate limits in every answer.
 *
 * @see https://marketplace.gohighlevel.com/docs/ghl/contacts/upsert-contact
 */
export class FakeGoHighLevel extends FakeProvider {
  readonly token = 'pit-fake-0123456789';
  readonly locationId = 'loc_1';
  readonly contacts: Contact[] = [];
  readonly messages: Message[] = [];

  errorBody(status: number): unknown {
    return { statusCode: status, message: status === 429 ? 'Too Many Requests' : 'Internal server error' };
  }

  protected answer(request: Asked): Reply {
    if (request.headers.authorization !== `Bearer ${this.token}`) return problem(401, 'Invalid JWT');
    const expected = request.path.startsWith('/conversations') ? '2021-04-15' : '2021-07-28';
    if (request.headers['version'] !== expected) return problem(401, 'version header was not found.');
    if (request.method === 'POST' && !isJson(request)) return problem(415, 'Unsupported Media Type');
    return { headers: RATE_HEADERS, ...this.route(request) };
  }

  private route(request: Asked): Reply {
    const body = jsonOf(request);
    const at = `${request.method} ${request.path}`;
    if (at === 'POST /contacts/upsert') return this.upsert(body);
    if (at === 'POST /conversations/messages') return this.send(body);
    if (at === 'GET /conversations/search') return this.search(request.query);
    const [, contactId] = /^POST \/contacts\/([^/]+)\/tags$/.exec(at) ?? [];
    if (contactId) return this.tag(contactId, body);
    const [, of, workflow] = /^POST \/contacts\/([^/]+)\/workflow\/([^/]+)$/.exec(at) ?? [];
    if (of && workflow) return this.withContact(of, () => ({ status: 201, body: { succeded: true } }));
    const [, conversation] = /^GET \/conversations\/([^/]+)\/messages$/.exec(at) ?? [];
    if (conversation) {
      const messages = this.messages.filter(({ conversationId }) => conversationId === conversation);
      return { status: 200, body: { messages: { messages, nextPage: false } } };
    }
    return problem(404, `Cannot ${at}`);
  }

  private upsert(body: Record<string, unknown>): Reply {
    if (body['locationId'] !== this.locationId) return problem(403, 'The token does not have access to this location.');
    if (typeof body['email'] === 'string' && body['email'].endsWith('.invalid'))
      return problem(422, ['email must be an email']);
    const found = this.contacts.find(
      ({ email, phone }) =>
        (body['email'] !== undefined && email === body['email']) ||
        (body['phone'] !== undefined && phone === body['phone']),
    );
    const contact = found ?? { id: `contact_${this.contacts.length + 1}`, tags: [] };
    // Upsert replaces the tags; that is why adapters add them with the other call.
    Object.assign(contact, body);
    if (!found) this.contacts.push(contact);
    return { status: found ? 200 : 201, body: { new: !found, contact, traceId: 'trace' } };
  }

  private tag(id: string, { tags }: Record<string, unknown>): Reply {
    return this.withContact(id, (contact) => {
      contact.tags = [...new Set([...contact.tags, ...(tags as string[])])];
      return { status: 201, body: { tags: contact.tags } };
    });
  }

  private send(body: Record<string, unknown>): Reply {
    if (body['type'] !== 'SMS') return problem(422, ['type must be one of SMS, Email, WhatsApp']);
    return this.withContact(String(body['contactId']), (contact) => {
      const message: Message = {
        id: `message_${this.messages.length + 1}`,
        conversationId: `conversation_of_${contact.id}`,
        contactId: contact.id,
        body: String(body['message']),
        direction: 'outbound',
        dateAdded: new Date().toISOString(),
        from: body['fromNumber'] as string | undefined,
      };
      this.messages.unshift(message);
      return {
        status: 201,
        body: { conversationId: message.conversationId, messageId: message.id, msg: 'Message queued successfully.' },
      };
    });
  }

  private search(query: URLSearchParams): Reply {
    if (query.get('locationId') !== this.locationId)
      return problem(403, 'The token does not have access to this location.');
    const ids = new Set(
      this.messages.filter(({ contactId }) => contactId === query.get('contactId')).map((it) => it.conversationId),
    );
    return { status: 200, body: { conversations: [...ids].map((id) => ({ id })), total: ids.size } };
  }

  private withContact(id: string, then: (contact: Contact) => Reply): Reply {
    const contact = this.contacts.find((it) => it.id === id);
    return contact ? then(contact) : problem(400, `Contact not found for id: ${id}`);
  }
}

const RATE_HEADERS = {
  'x-ratelimit-max': '100',
  'x-ratelimit-remaining': '99',
  'x-ratelimit-interval-milliseconds': '10000',
  'x-ratelimit-limit-daily': '200000',
  'x-ratelimit-daily-remaining': '199999',
};

function problem(status: number, message: string | string[]): Reply {
  return { status, body: { statusCode: status, message, traceId: 'trace' } };
}

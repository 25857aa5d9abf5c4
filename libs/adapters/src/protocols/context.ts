import { type Dispatcher } from 'undici';
import { type AuthenticationPolicy } from '../authentication/policy';

/** A text that a call is described by: an OpenAPI, AsyncAPI or proto document. */
export interface FetchedDocument {
  /** Where it was found, after redirects: relative references inside it start here. */
  uri: string;
  /** Empty when `notModified`. */
  text: string;
  contentType?: string;
  etag?: string;
  /** The other side says that the copy with the `etag` we sent is still good. */
  notModified?: boolean;
}

export interface DocumentRequest {
  uri: string;
  authentication?: AuthenticationPolicy | { use: string };
  /** ETag of the copy we hold. */
  etag?: string;
}

/** What a call knows besides its arguments. */
export interface ProtocolContext {
  /** Tokens are never shared between tenants. */
  tenant: string;
  /** The task's input: the variables of URI templates. */
  input: unknown;
  /** By name; a value is an object or JSON text where a policy uses it, else text. */
  secrets: Record<string, unknown>;
  /** `use.authentications` of the flow, for `authentication: { use: NAME }`. */
  authentications?: Record<string, AuthenticationPolicy>;
  idempotencyKey: string;
  /** Where the answer may be given later: goes with calls over HTTP as the header `spillway-callback`. */
  callbackUrl?: string;
  /** W3C Trace Context. */
  traceparent?: string;
  signal: AbortSignal;
  limits?: {
    /** Of one answer, after decompression. Default 1 MiB. */
    responseBytes?: number;
    /** Of one OpenAPI, AsyncAPI or proto document. Default 16 MiB. */
    documentBytes?: number;
  };
  /** Connections are made through it: the place for rules on where calls may go. */
  dispatcher?: Dispatcher;
  /**
   * The address to connect to, asked by protocols that do not go through the dispatcher (gRPC, brokers). Throws for hosts
   * calls may not go to.
   */
  addressOf?(host: string, port: number): Promise<string>;
  /** The text of a document that the flow brings with it, so that it is not fetched. */
  embeddedDocument?(uri: string): Promise<string | undefined>;
  /** Replaces how documents are fetched; by default over HTTP with this context's dispatcher. */
  fetchDocument?(request: DocumentRequest): Promise<FetchedDocument>;
}

export const DEFAULT_RESPONSE_BYTES = 1_048_576;
export const DEFAULT_DOCUMENT_BYTES = 16_777_216;
export const USER_AGENT = 'Spillway/0.1';

/** Injection token of the {@link Platform}. */
export const PLATFORM = Symbol('platform');

export { advance, following, type Advance } from './advance';

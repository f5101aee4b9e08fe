// What a picture or a network is called: by its role, in the person's language; a variant by its own name.

import { colorOf } from './colors.js';
import { t } from './words.js';

const ROLES = ['input', 'teacher', 'target', 'control'];

export const roleName = ({ role, name }) => (ROLES.includes(role) ? t(`role.${role}`) : name);

// Of one of a run's networks, of which only the name is known.
export const networkName = name => roleName({ role: name, name });

export const roleColor = ({ role, name }, run) => colorOf(role === 'variant' ? name : role, run?.variants);

"""Safe behaviour: harm declined, crisis care, privacy, orders inside the material, honesty."""
from .crisis import self_harm
from .honesty import honesty
from .injection import injection
from .privacy import privacy
from .refusals import harmless, refuse

KINDS = {
    "refuse": (4, refuse),
    "harmless": (6, harmless),
    "self_harm": (1.5, self_harm),
    "privacy": (2, privacy),
    "injection": (2.5, injection),
    "honesty": (2, honesty),
}

"""Invented names and texts; nothing here belongs to a real person or firm."""

from __future__ import annotations

CITIES = (
    "Lviv", "Kyiv", "Odesa", "Kharkiv", "Dnipro", "Zaporizhzhia", "Vinnytsia", "Poltava", "Chernihiv", "Cherkasy",
    "Sumy", "Zhytomyr", "Rivne", "Lutsk", "Ternopil", "Ivano-Frankivsk", "Uzhhorod", "Chernivtsi", "Khmelnytskyi",
    "Kropyvnytskyi", "Mykolaiv", "Kremenchuk", "Bila Tserkva", "Mukachevo",
)  # fmt: skip

FIRST_NAMES = (
    ("Олена", "Olena"), ("Тарас", "Taras"), ("Ірина", "Iryna"), ("Андрій", "Andrii"), ("Наталія", "Nataliia"),
    ("Богдан", "Bohdan"), ("Оксана", "Oksana"), ("Юрій", "Yurii"), ("Марія", "Mariia"), ("Сергій", "Serhii"),
    ("Соломія", "Solomiia"), ("Дмитро", "Dmytro"), ("Ганна", "Hanna"), ("Роман", "Roman"), ("Катерина", "Kateryna"),
    ("Василь", "Vasyl"), ("Юлія", "Yuliia"), ("Назар", "Nazar"), ("Anne-Marie", "Anne-Marie"), ("Zoë", "Zoe"),
    ("Peter", "Peter"), ("Łucja", "Lucja"), ("Márton", "Marton"), ("Ingrid", "Ingrid"),
)  # fmt: skip
LAST_NAMES = (
    ("Шевчук", "Shevchuk"), ("Коваль", "Koval"), ("Мельник", "Melnyk"), ("Бойко", "Boiko"), ("Ткачук", "Tkachuk"),
    ("Кравець", "Kravets"), ("Гончар", "Honchar"), ("Лисенко", "Lysenko"), ("Мороз", "Moroz"),
    ("Поліщук", "Polishchuk"), ("Савчук", "Savchuk"),
    ("Гайовий", "Haiovyi"), ("Яремко", "Yaremko"), ("Дзюба", "Dziuba"), ("О'Ніл", "ONil"),
    ("Білик", "Bilyk"), ("Стельмах", "Stelmakh"), ("Їжак", "Yizhak"), ("Kowalska", "Kowalska"), ("Müller", "Mueller"),
    ("Nagy", "Nagy"), ("D'Angelo", "Dangelo"), ("van der Berg", "Vanderberg"), ("Sørensen", "Soerensen"),
    ("Null", "Null"), ("Черненко", "Chernenko"), ("Паламар", "Palamar"), ("Журавель", "Zhuravel"),
)  # fmt: skip

COMPANY_STEMS = (
    "Карпати", "Borsuk", "Nova Zoria", "Дніпрометал", "Stepova", "Verba", "Lelyka", "Калина", "Polissia", "Sokil",
    "Хвиля", "Granit", "Medunka", "Орбіта", "Zernoland", "Levada", "Bukovyna", "Промінь", "Tyras", "Arsenal",
    "Кобза", "Yavir", "Oberig", "Сяйво", "Vodohrai", "Mriia", "Atlant", "Ластівка", "Khutir", "Vitryla",
)  # fmt: skip
COMPANY_KINDS = (
    "Agro", "Logistics", "Build", "Foods", "Енерго", "Тех", "Media", "Pharma", "Textile", "& Sons", "Systems",
    "Дім", "Metal", "Print", 'TOV "Плюс"', "Trade", "Cold, Chain", "Glass",
)  # fmt: skip
INDUSTRIES = (
    "Agriculture",
    "Transportation",
    "Construction",
    "Manufacturing",
    "Retail",
    "Technology",
    "Healthcare",
)
COUNTRIES = ("Ukraine", "Ukraine", "Ukraine", "Poland", "Romania", "Germany", "Moldova")

NEXT_STEPS = (
    None, "Call back", "Send the offer", "NA", "null", "Надіслати договір", "Demo on site", "Wait for budget",
    'Ask for "final" price', "Погодити умови оплати", "N/A", "Second meeting, with finance",
)  # fmt: skip
DESCRIPTIONS = (
    None, None, None, None, "Repeat order", "Цікавить річна підписка", "NA",
    "Budget confirmed.\nDecision maker: director\nNext call in a week", 'Said: "too expensive", wants 10 % off',
    "Порівнюють із двома\r\nконкурентами; потрібна знижка", "null", "a;b,c\t\"d\"", "No budget this year",
)  # fmt: skip
LOSS_REASONS = ("Price", "No decision", "Competitor", "No budget", "Timing", None)
LEAD_SOURCES = ("Web", "Partner", "Phone Inquiry", "Trade Show", "Referral", None)
CALL_SUBJECTS = ("Call", "Дзвінок клієнту", "Follow-up call", "Introductory call")
EMAIL_SUBJECTS = (
    "Email: offer",
    "Лист: комерційна пропозиція",
    "Email: answer to your question",
    "Re: Re: terms",
)
EVENT_SUBJECTS = ("Meeting", "Зустріч в офісі", "Online demo", "Contract talk")
TICKET_SUBJECTS = (
    "Не приходить рахунок", "Delivery is late", "Cannot log in", "Wrong amount on invoice", "Питання щодо гарантії",
    "Return of goods", "NA", "Broken part, need replacement", "Зміна реквізитів", 'Message says "error 500"',
)  # fmt: skip
TICKET_TEXTS = (
    None, "Please help", "Доброго дня!\nПрошу перевірити рахунок.", "null",
    'The label says "fragile",\nbut it was broken',
    "Замовлення не приїхало вчасно", "See attachment",
)  # fmt: skip
SURVEY_TEXTS = (
    None,
    None,
    "Good service",
    "Довго чекали на відповідь",
    "NA",
    "Friendly people",
    "Too slow, sorry",
)

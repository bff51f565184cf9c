"""Sixty countries: what the models know of the world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country in words. *language* is the one most widely official."""

    name: str
    capital: str
    currency: str
    language: str
    continent: str


ALIASES = {
    "usa": "United States",
    "u.s.": "United States",
    "united states of america": "United States",
    "uk": "United Kingdom",
    "great britain": "United Kingdom",
    "britain": "United Kingdom",
    "england": "United Kingdom",
    "czechia": "Czech Republic",
    "holland": "Netherlands",
    "türkiye": "Turkey",
}

_ROWS = """
Argentina | Buenos Aires | peso | Spanish | South America
Australia | Canberra | dollar | English | Oceania
Austria | Vienna | euro | German | Europe
Bangladesh | Dhaka | taka | Bengali | Asia
Belgium | Brussels | euro | Dutch | Europe
Bolivia | Sucre | boliviano | Spanish | South America
Brazil | Brasília | real | Portuguese | South America
Bulgaria | Sofia | euro | Bulgarian | Europe
Cambodia | Phnom Penh | riel | Khmer | Asia
Canada | Ottawa | dollar | English | North America
Chile | Santiago | peso | Spanish | South America
China | Beijing | yuan | Mandarin | Asia
Colombia | Bogotá | peso | Spanish | South America
Costa Rica | San José | colón | Spanish | North America
Croatia | Zagreb | euro | Croatian | Europe
Cuba | Havana | peso | Spanish | North America
Czech Republic | Prague | koruna | Czech | Europe
Denmark | Copenhagen | krone | Danish | Europe
Ecuador | Quito | dollar | Spanish | South America
Egypt | Cairo | pound | Arabic | Africa
Estonia | Tallinn | euro | Estonian | Europe
Ethiopia | Addis Ababa | birr | Amharic | Africa
Finland | Helsinki | euro | Finnish | Europe
France | Paris | euro | French | Europe
Germany | Berlin | euro | German | Europe
Ghana | Accra | cedi | English | Africa
Greece | Athens | euro | Greek | Europe
Hungary | Budapest | forint | Hungarian | Europe
Iceland | Reykjavík | króna | Icelandic | Europe
India | New Delhi | rupee | Hindi | Asia
Indonesia | Jakarta | rupiah | Indonesian | Asia
Iran | Tehran | rial | Persian | Asia
Iraq | Baghdad | dinar | Arabic | Asia
Ireland | Dublin | euro | English | Europe
Israel | Jerusalem | shekel | Hebrew | Asia
Italy | Rome | euro | Italian | Europe
Japan | Tokyo | yen | Japanese | Asia
Kenya | Nairobi | shilling | Swahili | Africa
Malaysia | Kuala Lumpur | ringgit | Malay | Asia
Mexico | Mexico City | peso | Spanish | North America
Mongolia | Ulaanbaatar | tögrög | Mongolian | Asia
Morocco | Rabat | dirham | Arabic | Africa
Nepal | Kathmandu | rupee | Nepali | Asia
Netherlands | Amsterdam | euro | Dutch | Europe
New Zealand | Wellington | dollar | English | Oceania
Nigeria | Abuja | naira | English | Africa
Norway | Oslo | krone | Norwegian | Europe
Peru | Lima | sol | Spanish | South America
Philippines | Manila | peso | Filipino | Asia
Poland | Warsaw | zloty | Polish | Europe
Portugal | Lisbon | euro | Portuguese | Europe
Romania | Bucharest | leu | Romanian | Europe
Senegal | Dakar | franc | French | Africa
South Korea | Seoul | won | Korean | Asia
Spain | Madrid | euro | Spanish | Europe
Sweden | Stockholm | krona | Swedish | Europe
Switzerland | Bern | franc | German | Europe
Thailand | Bangkok | baht | Thai | Asia
Turkey | Ankara | lira | Turkish | Asia
Ukraine | Kyiv | hryvnia | Ukrainian | Europe
United Kingdom | London | pound | English | Europe
United States | Washington | dollar | English | North America
Vietnam | Hanoi | dong | Vietnamese | Asia
"""

COUNTRIES = tuple(Country(*map(str.strip, row.split("|"))) for row in _ROWS.strip().splitlines())

//! Languages of a session: month and weekday names, default date order, first day of the week.
//!
//! Evidence: the public documentation of sys.syslanguages.

/// Order of day, month and year in numeric dates (SET DATEFORMAT).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
    Ydm,
    Myd,
    Dym,
}

impl DateOrder {
    pub fn from_name(name: &str) -> Option<DateOrder> {
        Some(match name.to_ascii_lowercase().as_str() {
            "mdy" => DateOrder::Mdy,
            "dmy" => DateOrder::Dmy,
            "ymd" => DateOrder::Ymd,
            "ydm" => DateOrder::Ydm,
            "myd" => DateOrder::Myd,
            "dym" => DateOrder::Dym,
            _ => return None,
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            DateOrder::Mdy => "mdy",
            DateOrder::Dmy => "dmy",
            DateOrder::Ymd => "ymd",
            DateOrder::Ydm => "ydm",
            DateOrder::Myd => "myd",
            DateOrder::Dym => "dym",
        }
    }
}

/// One row of sys.syslanguages.
#[derive(Debug, PartialEq, Eq)]
pub struct LanguageInfo {
    pub lang_id: u16,
    pub name: &'static str,
    pub alias: &'static str,
    pub lcid: u32,
    pub date_order: DateOrder,
    pub date_first: u8,
    pub months: [&'static str; 12],
    /// Comma-separated in sys.syslanguages.
    pub short_months: [&'static str; 12],
    /// Monday first.
    pub days: [&'static str; 7],
}

/// A language by its row; `Default` is us_english.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Language(pub &'static LanguageInfo);

impl Default for Language {
    fn default() -> Self {
        Language::US_ENGLISH
    }
}

impl Language {
    pub const US_ENGLISH: Language = Language(&LANGUAGES[0]);

    /// By name or alias, in any case.
    pub fn from_name(name: &str) -> Option<Language> {
        let wanted = name.to_lowercase();
        LANGUAGES
            .iter()
            .find(|l| l.name.to_lowercase() == wanted || l.alias.to_lowercase() == wanted)
            .map(Language)
    }

    pub fn all() -> impl Iterator<Item = Language> {
        LANGUAGES.iter().map(Language)
    }

    /// Month 1–12 of a full or short name (English ones are understood in every language), in any case.
    pub fn month_from_name(self, name: &str) -> Option<u32> {
        let wanted = name.to_lowercase();
        let find = |l: &LanguageInfo| {
            (0..12)
                .find(|&m| l.months[m].to_lowercase() == wanted || l.short_months[m].to_lowercase() == wanted)
        };
        find(self.0)
            .or_else(|| find(&LANGUAGES[0]))
            .or_else(|| (wanted == "sept").then_some(8))
            .map(|m| m as u32 + 1)
    }
}

const EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const EN_SHORT: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const EN_DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[rustfmt::skip]
pub static LANGUAGES: &[LanguageInfo] = &[
    LanguageInfo { lang_id: 0, name: "us_english", alias: "English", lcid: 1033, date_order: DateOrder::Mdy, date_first: 7, months: EN, short_months: EN_SHORT, days: EN_DAYS },
    LanguageInfo { lang_id: 1, name: "Deutsch", alias: "German", lcid: 1031, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        short_months: ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
        days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"] },
    LanguageInfo { lang_id: 2, name: "Français", alias: "French", lcid: 1036, date_order: DateOrder::Dmy, date_first: 1,
        months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        short_months: ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"],
        days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"] },
    LanguageInfo { lang_id: 3, name: "日本語", alias: "Japanese", lcid: 1041, date_order: DateOrder::Ymd, date_first: 7,
        months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        short_months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        days: ["月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"] },
    LanguageInfo { lang_id: 4, name: "Dansk", alias: "Danish", lcid: 1030, date_order: DateOrder::Dmy, date_first: 1,
        months: ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"],
        short_months: ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        days: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"] },
    LanguageInfo { lang_id: 5, name: "Español", alias: "Spanish", lcid: 3082, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre", "Noviembre", "Diciembre"],
        short_months: ["Ene", "Feb", "Mar", "Abr", "May", "Jun", "Jul", "Ago", "Sep", "Oct", "Nov", "Dic"],
        days: ["Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo"] },
    LanguageInfo { lang_id: 6, name: "Italiano", alias: "Italian", lcid: 1040, date_order: DateOrder::Dmy, date_first: 1,
        months: ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
        short_months: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
        days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"] },
    LanguageInfo { lang_id: 7, name: "Nederlands", alias: "Dutch", lcid: 1043, date_order: DateOrder::Dmy, date_first: 1,
        months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
        short_months: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        days: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"] },
    LanguageInfo { lang_id: 8, name: "Norsk", alias: "Norwegian", lcid: 2068, date_order: DateOrder::Dmy, date_first: 1,
        months: ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"],
        short_months: ["jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "des"],
        days: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"] },
    LanguageInfo { lang_id: 9, name: "Português", alias: "Portuguese", lcid: 2070, date_order: DateOrder::Dmy, date_first: 7,
        months: ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"],
        short_months: ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"],
        days: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"] },
    LanguageInfo { lang_id: 10, name: "Suomi", alias: "Finnish", lcid: 1035, date_order: DateOrder::Dmy, date_first: 1,
        months: ["tammikuuta", "helmikuuta", "maaliskuuta", "huhtikuuta", "toukokuuta", "kesäkuuta", "heinäkuuta", "elokuuta", "syyskuuta", "lokakuuta", "marraskuuta", "joulukuuta"],
        short_months: ["tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"],
        days: ["maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai"] },
    LanguageInfo { lang_id: 11, name: "Svenska", alias: "Swedish", lcid: 1053, date_order: DateOrder::Ymd, date_first: 1,
        months: ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"],
        short_months: ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        days: ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"] },
    LanguageInfo { lang_id: 12, name: "čeština", alias: "Czech", lcid: 1029, date_order: DateOrder::Dmy, date_first: 1,
        months: ["leden", "únor", "březen", "duben", "květen", "červen", "červenec", "srpen", "září", "říjen", "listopad", "prosinec"],
        short_months: ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"],
        days: ["pondělí", "úterý", "středa", "čtvrtek", "pátek", "sobota", "neděle"] },
    LanguageInfo { lang_id: 13, name: "magyar", alias: "Hungarian", lcid: 1038, date_order: DateOrder::Ymd, date_first: 1,
        months: ["január", "február", "március", "április", "május", "június", "július", "augusztus", "szeptember", "október", "november", "december"],
        short_months: ["jan", "febr", "márc", "ápr", "máj", "jún", "júl", "aug", "szept", "okt", "nov", "dec"],
        days: ["hétfő", "kedd", "szerda", "csütörtök", "péntek", "szombat", "vasárnap"] },
    LanguageInfo { lang_id: 14, name: "polski", alias: "Polish", lcid: 1045, date_order: DateOrder::Dmy, date_first: 1,
        months: ["styczeń", "luty", "marzec", "kwiecień", "maj", "czerwiec", "lipiec", "sierpień", "wrzesień", "październik", "listopad", "grudzień"],
        short_months: ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"],
        days: ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"] },
    LanguageInfo { lang_id: 15, name: "română", alias: "Romanian", lcid: 1048, date_order: DateOrder::Dmy, date_first: 1,
        months: ["ianuarie", "februarie", "martie", "aprilie", "mai", "iunie", "iulie", "august", "septembrie", "octombrie", "noiembrie", "decembrie"],
        short_months: ["Ian", "Feb", "Mar", "Apr", "Mai", "Iun", "Iul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        days: ["luni", "marţi", "miercuri", "joi", "vineri", "sîmbătă", "duminică"] },
    LanguageInfo { lang_id: 16, name: "hrvatski", alias: "Croatian", lcid: 1050, date_order: DateOrder::Ymd, date_first: 1,
        months: ["siječanj", "veljača", "ožujak", "travanj", "svibanj", "lipanj", "srpanj", "kolovoz", "rujan", "listopad", "studeni", "prosinac"],
        short_months: ["sij", "vel", "ožu", "tra", "svi", "lip", "srp", "kol", "ruj", "lis", "stu", "pro"],
        days: ["ponedjeljak", "utorak", "srijeda", "četvrtak", "petak", "subota", "nedjelja"] },
    LanguageInfo { lang_id: 17, name: "slovenčina", alias: "Slovak", lcid: 1051, date_order: DateOrder::Dmy, date_first: 1,
        months: ["január", "február", "marec", "apríl", "máj", "jún", "júl", "august", "september", "október", "november", "december"],
        short_months: ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"],
        days: ["pondelok", "utorok", "streda", "štvrtok", "piatok", "sobota", "nedeľa"] },
    LanguageInfo { lang_id: 18, name: "slovenski", alias: "Slovenian", lcid: 1060, date_order: DateOrder::Dmy, date_first: 1,
        months: ["januar", "februar", "marec", "april", "maj", "junij", "julij", "avgust", "september", "oktober", "november", "december"],
        short_months: ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "avg", "sept", "okt", "nov", "dec"],
        days: ["ponedeljek", "torek", "sreda", "četrtek", "petek", "sobota", "nedelja"] },
    LanguageInfo { lang_id: 19, name: "ελληνικά", alias: "Greek", lcid: 1032, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Ιανουαρίου", "Φεβρουαρίου", "Μαρτίου", "Απριλίου", "Μα_ου", "Ιουνίου", "Ιουλίου", "Αυγούστου", "Σεπτεμβρίου", "Οκτωβρίου", "Νοεμβρίου", "Δεκεμβρίου"],
        short_months: ["Ιαν", "Φεβ", "Μαρ", "Απρ", "Μαϊ", "Ιουν", "Ιουλ", "Αυγ", "Σεπ", "Οκτ", "Νοε", "Δεκ"],
        days: ["Δευτέρα", "Τρίτη", "Τετάρτη", "Πέμπτη", "Παρασκευή", "Σάββατο", "Κυριακή"] },
    LanguageInfo { lang_id: 20, name: "български", alias: "Bulgarian", lcid: 1026, date_order: DateOrder::Dmy, date_first: 1,
        months: ["януари", "февруари", "март", "април", "май", "юни", "юли", "август", "септември", "октомври", "ноември", "декември"],
        short_months: ["януари", "февруари", "март", "април", "май", "юни", "юли", "август", "септември", "октомври", "ноември", "декември"],
        days: ["понеделник", "вторник", "сряда", "четвъртък", "петък", "събота", "неделя"] },
    LanguageInfo { lang_id: 21, name: "русский", alias: "Russian", lcid: 1049, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Январь", "Февраль", "Март", "Апрель", "Май", "Июнь", "Июль", "Август", "Сентябрь", "Октябрь", "Ноябрь", "Декабрь"],
        short_months: ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"],
        days: ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"] },
    LanguageInfo { lang_id: 22, name: "Türkçe", alias: "Turkish", lcid: 1055, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"],
        short_months: ["Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara"],
        days: ["Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"] },
    LanguageInfo { lang_id: 23, name: "British", alias: "British English", lcid: 2057, date_order: DateOrder::Dmy, date_first: 1, months: EN, short_months: EN_SHORT, days: EN_DAYS },
    LanguageInfo { lang_id: 24, name: "eesti", alias: "Estonian", lcid: 1061, date_order: DateOrder::Dmy, date_first: 1,
        months: ["jaanuar", "veebruar", "märts", "aprill", "mai", "juuni", "juuli", "august", "september", "oktoober", "november", "detsember"],
        short_months: ["jaan", "veebr", "märts", "apr", "mai", "juuni", "juuli", "aug", "sept", "okt", "nov", "dets"],
        days: ["esmaspäev", "teisipäev", "kolmapäev", "neljapäev", "reede", "laupäev", "pühapäev"] },
    LanguageInfo { lang_id: 25, name: "latviešu", alias: "Latvian", lcid: 1062, date_order: DateOrder::Ymd, date_first: 1,
        months: ["janvāris", "februāris", "marts", "aprīlis", "maijs", "jūnijs", "jūlijs", "augusts", "septembris", "oktobris", "novembris", "decembris"],
        short_months: ["jan", "feb", "mar", "apr", "mai", "jūn", "jūl", "aug", "sep", "okt", "nov", "dec"],
        days: ["pirmdiena", "otrdiena", "trešdiena", "ceturtdiena", "piektdiena", "sestdiena", "svētdiena"] },
    LanguageInfo { lang_id: 26, name: "lietuvių", alias: "Lithuanian", lcid: 1063, date_order: DateOrder::Ymd, date_first: 1,
        months: ["sausis", "vasaris", "kovas", "balandis", "gegužė", "birželis", "liepa", "rugpjūtis", "rugsėjis", "spalis", "lapkritis", "gruodis"],
        short_months: ["sau", "vas", "kov", "bal", "geg", "bir", "lie", "rgp", "rgs", "spl", "lap", "grd"],
        days: ["pirmadienis", "antradienis", "trečiadienis", "ketvirtadienis", "penktadienis", "šeštadienis", "sekmadienis"] },
    LanguageInfo { lang_id: 27, name: "Português (Brasil)", alias: "Brazilian", lcid: 1046, date_order: DateOrder::Dmy, date_first: 7,
        months: ["Janeiro", "Fevereiro", "Março", "Abril", "Maio", "Junho", "Julho", "Agosto", "Setembro", "Outubro", "Novembro", "Dezembro"],
        short_months: ["Jan", "Fev", "Mar", "Abr", "Mai", "Jun", "Jul", "Ago", "Set", "Out", "Nov", "Dez"],
        days: ["Segunda-Feira", "Terça-Feira", "Quarta-Feira", "Quinta-Feira", "Sexta-Feira", "Sábado", "Domingo"] },
    LanguageInfo { lang_id: 28, name: "繁體中文", alias: "Traditional Chinese", lcid: 1028, date_order: DateOrder::Ymd, date_first: 7,
        months: ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"],
        short_months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        days: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"] },
    LanguageInfo { lang_id: 29, name: "한국어", alias: "Korean", lcid: 1042, date_order: DateOrder::Ymd, date_first: 7,
        months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        short_months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        days: ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"] },
    LanguageInfo { lang_id: 30, name: "简体中文", alias: "Simplified Chinese", lcid: 2052, date_order: DateOrder::Ymd, date_first: 7,
        months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        short_months: ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"],
        days: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"] },
    LanguageInfo { lang_id: 31, name: "Arabic", alias: "Arabic", lcid: 1025, date_order: DateOrder::Dmy, date_first: 1,
        months: ["Muharram", "Safar", "Rabie I", "Rabie II", "Jumada I", "Jumada II", "Rajab", "Shaaban", "Ramadan", "Shawwal", "Thou Alqadah", "Thou Alhajja"],
        short_months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] },
    LanguageInfo { lang_id: 32, name: "ไทย", alias: "Thai", lcid: 1054, date_order: DateOrder::Dmy, date_first: 7,
        months: ["มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน", "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม"],
        short_months: ["ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค."],
        days: ["จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "ศุกร์", "เสาร์", "อาทิตย์"] },
];

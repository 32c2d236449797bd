# ruff: noqa: E501  # a catalogue: one message, one line
"""What SQL Server says: its numbers, severities and words, in the language of its site (sys.messages).

Not marked for translation: these are another product's words, which nobody here may parse."""

from __future__ import annotations

from typing import Any

from app.lab.sqlserver.tds.tokens import Said

ENGLISH, CHINESE, GERMAN = "us_english", "简体中文", "Deutsch"

_MESSAGES: dict[int, tuple[int, str]] = {
    102: (15, "Incorrect syntax near '{}'."),
    105: (15, "Unclosed quotation mark after the character string '{}'."),
    113: (15, "Missing end comment mark '*/'."),
    116: (16, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS."),
    130: (15, "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."),
    104: (16, "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator."),
    107: (15, "The column prefix '{}' does not match with a table name or alias name used in the query."),
    108: (15, "The ORDER BY position number {} is out of range of the number of items in the select list."),
    134: (15, "The variable name '{}' has already been declared. Variable names must be unique within a query batch or stored procedure."),
    137: (15, 'Must declare the scalar variable "{}".'),
    139: (15, "Cannot assign a default value to a local variable."),
    141: (15, "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations."),
    155: (15, "'{}' is not a recognized {} option."),
    156: (15, "Incorrect syntax near the keyword '{}'."),
    174: (15, "The {} function requires {} argument(s)."),
    195: (15, "'{}' is not a recognized {}."),
    201: (16, "Procedure or function '{}' expects parameter '{}', which was not supplied."),
    205: (16, "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists."),
    207: (16, "Invalid column name '{}'."),
    208: (16, "Invalid object name '{}'."),
    209: (16, "Ambiguous column name '{}'."),
    179: (15, "Cannot use the OUTPUT option when passing a constant to a stored procedure."),
    214: (16, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar': {}."),
    217: (16, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit {})."),
    229: (14, "The {} permission was denied on the object '{}', database '{}', schema '{}'."),
    241: (16, "Conversion failed when converting date and/or time from character string."),
    243: (16, "Type {} is not a defined system type."),
    245: (16, "Conversion failed when converting the {} value '{}' to data type {}."),
    262: (14, "{} permission denied in database '{}'."),
    263: (16, "Must specify table to select from."),
    281: (16, "{} is not a valid style number when converting from {} to a character string."),
    297: (16, "The user does not have permission to perform this action."),
    300: (14, "{} permission was denied on object 'server', database 'master'."),
    402: (16, "The data types {} and {} are incompatible in the {} operator."),
    512: (16, "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression."),
    517: (16, "Adding a value to a 'datetime' column caused an overflow."),
    529: (16, "Explicit conversion from data type {} to {} is not allowed."),
    535: (16, "The {} function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use {} with a less precise datepart."),
    537: (16, "Invalid length parameter passed to the LEFT or SUBSTRING function."),
    701: (17, "There is insufficient system memory in resource pool '{}' to run this query."),
    911: (16, "Database '{}' does not exist. Make sure that the name is entered correctly."),
    916: (14, "The server principal \"{}\" is not able to access the database \"{}\" under the current security context."),
    927: (14, "Database '{}' cannot be opened. It is in the middle of a restore."),
    942: (14, "Database '{}' cannot be opened because it is offline."),
    1011: (15, "The correlation name '{}' is specified multiple times in a FROM clause."),
    1033: (15, "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, unless TOP or FOR XML is also specified."),
    1038: (15, "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. For other statements, look for empty alias names. Aliases defined as \"\" or [] are not allowed. Change the alias to a valid name."),
    103: (15, "The {} that starts with '{}' is too long. Maximum length is {}."),
    1844: (16, "{} is not supported on {}."),
    2715: (16, "Column, parameter, or variable #{}: Cannot find data type {}."),
    2717: (16, "The size ({}) given to the type '{}' exceeds the maximum allowed ({})."),
    2812: (16, "Could not find stored procedure '{}'."),
    3013: (16, "{} is terminating abnormally."),
    3014: (0, "{} successfully processed {} pages in {} seconds ({} MB/sec)."),
    3021: (16, "Cannot perform a backup or restore operation within a transaction."),
    3031: (16, "Option '{}' conflicts with option(s) '{}'. Remove the conflicting option and reissue the statement."),
    3044: (16, "Invalid zero-length device name. Reissue the BACKUP statement with a valid device name."),
    3147: (16, "Backup and restore operations are not allowed on database tempdb."),
    3187: (16, "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information."),
    3189: (16, "Damage to the backup set was detected."),
    3201: (16, "Cannot open backup device '{}'. Operating system error {}."),
    3202: (16, "Write on \"{}\" failed: {}"),
    3203: (16, "Read on \"{}\" failed: {}"),
    3206: (16, "Backup device '{}' does not exist. To view existing backup devices, use the sys.backup_devices catalog view. To create a new backup device use either sp_addumpdevice or SQL Server Management Studio."),
    3211: (0, "{} percent processed."),
    3241: (16, "The media family on device '{}' is incorrectly formed. SQL Server cannot process this media family."),
    3242: (16, "The file on device '{}' is not a valid Microsoft Tape Format backup set."),
    3262: (0, "The backup set on file {} is valid."),
    3287: (16, "The file ID {} on device '{}' is incorrectly formed and can not be read."),
    3701: (11, "Cannot drop the {} '{}', because it does not exist or you do not have permission."),
    3902: (16, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    3903: (16, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    4035: (0, "Processed {} pages for database '{}', file '{}' on file {}."),
    4038: (16, "Cannot find file ID {} on device '{}'."),
    4060: (11, 'Cannot open database "{}" requested by the login. The login failed.'),
    4104: (16, 'The multi-part identifier "{}" could not be bound.'),
    4112: (15, "The function '{}' must have an OVER clause with ORDER BY."),
    4145: (15, "An expression of non-boolean type specified in a context where a condition is expected, near '{}'."),
    5701: (0, "Changed database context to '{}'."),
    5703: (0, "Changed language setting to {}."),
    7202: (11, "Could not find server '{}' in sys.servers. Verify that the correct server name was specified."),
    8009: (16, "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. Parameter {} (\"{}\"): Data type {} is unknown."),
    8114: (16, "Error converting data type: {}."),
    8115: (16, "Arithmetic overflow error converting {} to data type {}."),
    8117: (16, "Operand data type {} is invalid for {} operator."),
    8120: (16, "Column '{}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."),
    8134: (16, "Divide by zero error encountered."),
    8155: (16, "No column name was specified for column {} of '{}'."),
    8144: (16, "Procedure or function {} has too many arguments specified."),
    8158: (16, "'{}' has more columns than were specified in the column list."),
    8159: (16, "'{}' has fewer columns than were specified in the column list."),
    8621: (16, "The query processor ran out of stack space during query optimization."),
    8169: (16, "Conversion failed when converting from a character string to uniqueidentifier."),
    8178: (16, "The parameterized query '{}' expects the parameter '{}', which was not supplied."),
    8179: (16, "Could not find prepared statement with handle {}."),
    15281: (16, "SQL Server blocked access to procedure '{}' of component '{}' because this component is turned off as part of the security configuration for this server."),
    17187: (16, "SQL Server is not ready to accept new client connections. Wait a few minutes before trying again."),
    18452: (14, "Login failed. The login is from an untrusted domain and cannot be used with Windows authentication."),
    18456: (14, "Login failed for user '{}'."),
    22051: (16, "{}"),
    40510: (16, "Statement '{}' is not supported in this version of SQL Server."),
}  # fmt: skip

_TRANSLATED: dict[str, dict[int, str]] = {
    CHINESE: {
        102: "“{}”附近有语法错误。", 156: "关键字 '{}' 附近有语法错误。", 207: "列名 '{}' 无效。", 208: "对象名 '{}' 无效。",
        229: "拒绝了对对象 '{1}' (数据库 '{2}'，架构 '{3}')的 {0} 权限。", 262: "在数据库 '{1}' 中拒绝了 {0} 权限。",
        911: "数据库 '{}' 不存在。请确保正确地输入了该名称。", 916: "服务器主体 \"{}\" 无法在当前安全上下文下访问数据库 \"{}\"。",
        2812: "找不到存储过程 '{}'。", 3013: "{} 正在异常终止。", 3014: "{} 成功处理了 {} 页，花费 {} 秒({} MB/秒)。",
        3021: "无法在事务内部执行备份或还原操作。", 3189: "检测到备份集已损坏。",
        3201: "无法打开备份设备 '{}'。出现操作系统错误 {}。", 3202: "在 \"{}\" 上写入失败: {}", 3203: "在 \"{}\" 上读取失败: {}",
        3211: "已处理百分之 {}。", 3241: "设备 '{}' 上的介质簇的结构不正确。SQL Server 无法处理此介质簇。",
        3262: "文件 {} 上的备份集有效。", 4035: "已为数据库 '{1}'，文件 '{2}' (位于文件 {3} 上)处理了 {0} 页。",
        4060: "无法打开登录所请求的数据库 \"{}\"。登录失败。", 5701: "已将数据库上下文更改为 '{}'。", 5703: "已将语言设置更改为 {}。",
        18456: "用户 '{}' 登录失败。",
    },
    GERMAN: {
        102: "Falsche Syntax in der Nähe von '{}'.", 156: "Falsche Syntax in der Nähe des Schlüsselworts '{}'.",
        207: "Ungültiger Spaltenname '{}'.", 208: "Ungültiger Objektname '{}'.",
        229: "Die {}-Berechtigung wurde für das '{}'-Objekt, '{}'-Datenbank, '{}'-Schema, verweigert.",
        262: "Die {}-Berechtigung wurde in der '{}'-Datenbank verweigert.",
        911: "Die Datenbank '{}' ist nicht vorhanden. Stellen Sie sicher, dass der Name richtig eingegeben wurde.",
        916: "Der Serverprinzipal \"{}\" kann unter dem aktuellen Sicherheitskontext nicht auf die \"{}\"-Datenbank zugreifen.",
        2812: "Die gespeicherte Prozedur '{}' wurde nicht gefunden.", 3013: "{} wird fehlerbedingt beendet.",
        3014: "{} hat erfolgreich {} Seiten in {} Sekunden verarbeitet ({} MB/s).",
        3021: "Innerhalb einer Transaktion kann kein Sicherungs- oder Wiederherstellungsvorgang ausgeführt werden.",
        3189: "Der Sicherungssatz ist beschädigt.",
        3201: "Das Sicherungsmedium '{}' kann nicht geöffnet werden. Betriebssystemfehler {}.",
        3202: "Fehler beim Schreiben in \"{}\": {}", 3203: "Fehler beim Lesen von \"{}\": {}", 3211: "{} Prozent verarbeitet.",
        3241: "Die Medienfamilie auf dem Medium '{}' ist nicht richtig formatiert.",
        3262: "Der Sicherungssatz in Datei {} ist gültig.",
        4035: "{} Seiten wurden für die '{}'-Datenbank, Datei '{}' für Datei {}, verarbeitet.",
        4060: "Die von der Anmeldung angeforderte \"{}\"-Datenbank kann nicht geöffnet werden. Fehler bei der Anmeldung.",
        5701: "Der Datenbankkontext wurde auf '{}' geändert.", 5703: "Die Spracheneinstellung wurde auf {} geändert.",
        18456: "Fehler bei der Anmeldung für den Benutzer '{}'.",
    },
}  # fmt: skip

_CHINESE_NAMES = ("chinese", "simplified chinese", "简体中文", "zh_cn")
_GERMAN_NAMES = ("german", "deutsch", "de_de")

SYSTEM_ERRORS = {  # what Windows says, in English and in Chinese; the code is the same everywhere
    3: ("The system cannot find the path specified.", "系统找不到指定的路径。", "Das System kann den angegebenen Pfad nicht finden."),
    2: ("The system cannot find the file specified.", "系统找不到指定的文件。", "Das System kann die angegebene Datei nicht finden."),
    5: ("Access is denied.", "拒绝访问。", "Zugriff verweigert"),
    21: ("The device is not ready.", "设备未就绪。", "Das Gerät ist nicht bereit."),
    38: ("Reached the end of the file.", "已到文件结尾。", "Das Ende der Datei ist erreicht."),
    53: ("The network path was not found.", "找不到网络路径。", "Der Netzwerkpfad wurde nicht gefunden."),
    112: ("There is not enough space on the disk.", "磁盘空间不足。", "Es steht nicht genug Speicherplatz auf dem Datenträger zur Verfügung."),
    123: ("The filename, directory name, or volume label syntax is incorrect.", "文件名、目录名或卷标语法不正确。", "Die Syntax für den Dateinamen ist falsch."),
    1117: ("The request could not be performed because of an I/O device error.", "由于 I/O 设备错误，无法运行此项请求。", "E/A-Gerätefehler."),
}  # fmt: skip


def language(name: str) -> str:
    """Return the language, by any of its names; an unknown one is us_english."""
    lowered = name.lower()
    return CHINESE if lowered in _CHINESE_NAMES else GERMAN if lowered in _GERMAN_NAMES else ENGLISH


class HostError(int):
    """An error of the operating system inside a message."""

    def words(self, language_name: str) -> str:
        """Return it as SQL Server quotes it: 3(The system cannot find the path specified.)."""
        texts = SYSTEM_ERRORS[int(self)]
        return f"{int(self)}({texts[(ENGLISH, CHINESE, GERMAN).index(language_name)]})"


class SqlError(Exception):
    """An error of SQL Server: its number and what goes into its words. `also` are those said before it, in order."""

    def __init__(self, number: int, *values: Any, state: int = 1, also: tuple[SqlError, ...] = ()) -> None:
        super().__init__(number, *values)
        self.number, self.values, self.state, self.also = number, values, state, also
        self.line = 1

    def at(self, line: int) -> SqlError:
        """Return this error with the line of its statement."""
        self.line = line
        return self


def say(number: int, *values: Any, language_name: str = ENGLISH, state: int = 1, line: int = 1) -> Said:
    """Return the message of that number in that language; English where the site's catalogue lacks it."""
    severity, english = _MESSAGES[number]
    words = _TRANSLATED.get(language_name, {}).get(number, english)
    spoken = [value.words(language_name) if isinstance(value, HostError) else value for value in values]
    return Said(number, words.format(*spoken), severity, state, line)


def say_error(error: SqlError, language_name: str) -> list[Said]:
    """Return the messages of an error, the ones before it first."""
    said = [message for earlier in error.also for message in say_error(earlier, language_name)]
    return [*said, say(error.number, *error.values, language_name=language_name, state=error.state, line=error.line)]

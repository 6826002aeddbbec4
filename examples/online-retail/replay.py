#!/usr/bin/env python3
"""Replays the public "Online Retail" data set (UCI, CC BY 4.0) over Korob's REST interface: sales and what came back.

Brings in what the file sells (goods as a feed, postage and the like as services), receives the units it needs, places
one order per invoice at the prices of the file, ships it and takes the money. Then every credit note (an invoice whose
number begins with C) becomes a return: of the customer's latest earlier order that still has these units at this price, or
else a return without an order. In the end money in, money back and the stock of every SKU are compared with the file, to
the penny and the unit. Only the standard library is used, and a second run changes nothing.

    replay.py --base http://127.0.0.1:8080 --key korob_… --shop shp_… --source src_… online-retail.csv

The key needs the scopes catalog.write, inventory.read, inventory.write, orders.read, orders.write, orders.price,
orders.return, orders.refund, payments.read and payments.write. The file is `;` separated with decimal commas, as
published in spreadsheets of continental locales. Exit status 1 when anything differs.
"""

import argparse
import collections
import concurrent.futures
import csv
import decimal
import html
import http.client
import json
import re
import sys
import threading
import time
import urllib.parse

GOODS = re.compile(r"^\d{5}")
CURRENCY = "GBP"
CLIENTS = 8
ATTEMPTS_MAX = 10
RECEIPT_LINES_MAX = 1000
PATIENCE_SECONDS = 30


class Gateway:
    """A REST client with one connection per thread."""

    def __init__(self, base, key):
        self.address = urllib.parse.urlsplit(base).netloc
        self.key = key
        self.local = threading.local()

    def must(self, path, body, idempotency_key):
        """POSTs what cannot be refused; answers the JSON."""
        status, answer = self.post(path, body, idempotency_key)
        if status not in (200, 201):
            sys.exit(f"POST {path} was answered {status}: {answer}")
        return json.loads(answer)

    def get(self, path):
        """GETs a path; answers the JSON."""
        status, answer = self.send("GET", path, None, {})
        if status != 200:
            sys.exit(f"GET {path} was answered {status}: {answer}")
        return json.loads(answer)

    def pages(self, path, field):
        """All rows of a list."""
        token = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}pageSize=200&pageToken={token}")
            yield from page[field]
            token = page.get("nextPageToken", "")
            if not token:
                return

    def post(self, path, body, idempotency_key, content_type="application/json"):
        """POSTs under an idempotency key; answers status and text."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, data, {"Content-Type": content_type, "Idempotency-Key": idempotency_key})

    def send(self, method, path, data, headers):
        headers = headers | {"Authorization": f"Bearer {self.key}"}
        for attempt in range(ATTEMPTS_MAX):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=60)
            try:
                connection.request(method, path, data, headers)
                response = connection.getresponse()
                status, answer = response.status, response.read().decode()
            except (ConnectionError, http.client.HTTPException):
                # Whether it was done is not known. The same key makes asking again safe.
                connection.close()
                self.local.connection = None
                time.sleep(attempt)
                continue
            if status not in (429, 503):
                return status, answer
            time.sleep(float(response.headers.get("Retry-After", 1)))
        sys.exit(f"{method} {path} was not answered in {ATTEMPTS_MAX} attempts")


Line = collections.namedtuple("Line", "sku quantity price name")
Document = collections.namedtuple("Document", "customer lines")


def read(path):
    """Sales invoices and credit notes by number, in the file's order, and the rows that neither can be made of."""
    sales, credits, dirty = collections.OrderedDict(), collections.OrderedDict(), []
    with open(path, encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter=";"), start=2):
            invoice = row["InvoiceNo"]
            is_credit = invoice.startswith("C")
            try:
                quantity = int(row["Quantity"]) * (-1 if is_credit else 1)
                price = decimal.Decimal(row["UnitPrice"].replace(",", "."))
            except (ValueError, decimal.InvalidOperation):
                dirty.append((number, row, "not a number"))
                continue
            if quantity <= 0:
                dirty.append((number, row, "a stock correction, neither sale nor return: the sign of the quantity"))
            elif price < 0:
                dirty.append((number, row, "negative price"))
            elif price == 0 and not row["Description"].strip():
                dirty.append((number, row, "neither price nor description"))
            else:
                line = Line(row["StockCode"].strip(), quantity, price, row["Description"].strip() or row["StockCode"])
                documents = credits if is_credit else sales
                documents.setdefault(invoice, Document(row["CustomerID"].strip(), [])).lines.append(line)
    return sales, credits, dirty


def feed(goods):
    """A YML feed of the goods; the price is the first that is not nothing."""
    offers = "".join(
        f'<offer id="{html.escape(sku)}" available="true"><price>{price}</price><currencyId>{CURRENCY}</currencyId>'
        f"<categoryId>1</categoryId><name>{html.escape(name)}</name><vendorCode>{html.escape(sku)}</vendorCode></offer>\n"
        for sku, (name, price) in goods.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<yml_catalog date="2010-12-01 00:00"><shop><name>Online Retail</name>\n'
        f'<currencies><currency id="{CURRENCY}" rate="1"/></currencies>\n'
        f'<categories><category id="1">Gifts</category></categories>\n<offers>\n{offers}</offers></shop></yml_catalog>\n'
    ).encode()


def prepare(gateway, arguments, sales, credits):
    """Catalog and stock for everything that is sold; answers the warehouse and how many units it received by SKU."""
    goods, services, units = {}, {}, collections.Counter()
    for documents, are_sales in ((sales, True), (credits, False)):
        for document in documents.values():
            for line in document.lines:
                kind = goods if GOODS.match(line.sku) else services
                known = kind.get(line.sku)
                if known is None or known[1] == 0:
                    kind[line.sku] = (line.name, line.price)
                if kind is goods and are_sales:
                    units[line.sku] += line.quantity
    priced = {sku: (name, price or decimal.Decimal("0.01")) for sku, (name, price) in goods.items()}
    path = f"/v1/feeds/yml?sourceId={arguments.source}"
    status, answer = gateway.post(path, feed(priced), "online-retail-feed", "application/xml")
    last = json.loads(answer.strip().splitlines()[-1])
    print(f"feed: {status}, {last.get('createdCount')} created, {last.get('unchangedCount')} unchanged, {last.get('errorCount')} refused")
    for sku, (name, _) in services.items():
        product = {"product": {"kind": "PRODUCT_KIND_SERVICE", "name": name, "variants": [{"sku": sku}]}}
        status, answer = gateway.post("/v1/products", product, f"online-retail-{urllib.parse.quote(sku)}")
        if status not in (200, 201) and "SKU_TAKEN" not in answer:
            sys.exit(f"the service {sku} was answered {status}: {answer}")
    print(f"services: {', '.join(sorted(services))}")
    warehouse = gateway.must("/v1/warehouses", {"warehouse": {"name": "Online Retail"}}, "online-retail-warehouse")
    warehouse = warehouse["warehouseId"]
    lines = [{"sku": sku, "quantity": str(quantity)} for sku, quantity in sorted(units.items())]
    for at in range(0, len(lines), RECEIPT_LINES_MAX):
        receipt = {"warehouseId": warehouse, "lines": lines[at : at + RECEIPT_LINES_MAX]}
        gateway.must("/v1/stock/receive", receipt, f"online-retail-receipt-{at}")
    print(f"stock: {sum(units.values())} units of {len(units)} SKUs received")
    return warehouse, units


def money(amount):
    return {"amount": str(amount), "currencyCode": CURRENCY}


def amount(value):
    return decimal.Decimal((value or {}).get("amount", 0))


def total(lines):
    return sum((line.quantity * line.price for line in lines), decimal.Decimal(0))


def sell(gateway, arguments, invoice, document):
    """Places one invoice, ships it and takes the money; answers the order."""
    order = {
        "shopId": arguments.shop,
        "sourceId": arguments.source,
        "externalId": invoice,
        "method": "ORDER_METHOD_OFFLINE",
        "paymentMethod": "bank_transfer",
        "currencyCode": CURRENCY,
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "name": line.name, "unitPrice": money(line.price)}
            for line in document.lines
        ],
    }
    if document.customer:
        order["contact"] = {
            "name": f"Customer {document.customer}",
            "email": f"{document.customer}@online-retail.example",
        }
    key = f"online-retail-{invoice}"
    placed = gateway.must("/v1/orders", order, key)
    path = f"/v1/orders/{placed['orderId']}"
    gateway.must(f"{path}/state", {"state": "ORDER_STATE_ASSEMBLING"}, f"{key}-assemble")
    if placed.get("paymentId"):
        paid = {"amount": placed["total"], "reference": invoice}
        gateway.must(f"/v1/payments/{placed['paymentId']}/record", paid, f"{key}-pay")
    parted = wait_for(gateway, path, lambda order: order["fulfilments"])
    for part in parted["fulfilments"]:
        gateway.must(f"{path}/fulfilments/{part['fulfilmentId']}/ship", {}, f"{key}-ship-{part['fulfilmentId']}")
    is_paid = lambda order: amount(order["paid"]) == amount(order["total"])
    return wait_for(gateway, path, lambda order: is_paid(order) and has_left(order))


def has_left(order):
    return all(line["shipped"] == line["ordered"] for line in order["lines"] if line["kind"] != "service")


def wait_for(gateway, path, is_done):
    """What another service tells arrives a moment later."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = gateway.get(path)
        if is_done(answer):
            return answer
        if time.monotonic() > until:
            sys.exit(f"{path} did not become what it should: {answer}")
        time.sleep(0.05)


class Sold:
    """What customers still have, and of which order."""

    def __init__(self, sales, orders):
        self.left = collections.defaultdict(list)
        for invoice, document in sales.items():
            order = orders[invoice]
            for line, placed in zip(document.lines, order["lines"]):
                if document.customer and placed["kind"] != "service":
                    key = (document.customer, line.sku, line.price)
                    self.left[key].append([order["orderId"], placed["lineId"], line.quantity])

    def take(self, customer, line):
        """The order and line that these units came from, or None."""
        for units in reversed(self.left[customer, line.sku, line.price]):
            if units[2] >= line.quantity:
                units[2] -= line.quantity
                return units[0], units[1]
        return None


def give_back(gateway, arguments, warehouse, sold, invoice, document):
    """Makes the returns of one credit note; answers them."""
    groups = collections.OrderedDict()
    for line in document.lines:
        order_id, line_id = sold.take(document.customer, line) or ("", "")
        group = groups.setdefault(order_id, [])
        again = next((at for at, (_, known) in enumerate(group) if line_id and known == line_id), None)
        if again is None:
            group.append((line, line_id))
        else:  # A return names a line once.
            group[again] = (line._replace(quantity=group[again][0].quantity + line.quantity), line_id)
    return [
        give_back_of(gateway, arguments, warehouse, f"online-retail-{invoice}-{order_id}", order_id, lines)
        for order_id, lines in groups.items()
    ]


def give_back_of(gateway, arguments, warehouse, key, order_id, lines):
    """One return, from the request to the money."""
    wanted = money(total([line for line, _ in lines]))
    if order_id:
        units = [{"lineId": line_id, "quantity": line.quantity, "reason": "changed_mind"} for line, line_id in lines]
        request = {"orderId": order_id, "lines": units}
    else:
        units = [{"sku": line.sku, "quantity": line.quantity, "reason": "other"} for line, _ in lines]
        request = {"shopId": arguments.shop, "lines": units, "amount": wanted}
    made = gateway.must("/v1/returns", request, key)
    path = f"/v1/returns/{made['returnId']}"
    gateway.must(f"{path}/approve", {}, f"{key}-approve")
    gateway.must(f"{path}/send", {}, f"{key}-send")
    found = [
        {"position": at, "quantity": line.quantity, "disposition": f"RETURN_DISPOSITION_{disposition(line)}"}
        for at, (line, _) in enumerate(lines)
    ]
    gateway.must(f"{path}/receive", {"warehouseId": warehouse, "lines": found}, f"{key}-receive")
    return gateway.must(f"{path}/resolve", {"amount": wanted}, f"{key}-resolve")


def disposition(line):
    """Nobody puts a discount or postage on a shelf."""
    return "SELLABLE" if GOODS.match(line.sku) else "WRITE_OFF"


def compare(what, file, korob, differing):
    print(f"{what}: file {file}, korob {korob}, difference {file - korob}")
    if file != korob:
        differing.append(what)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "key", "shop", "source"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("file")
    arguments = parser.parse_args()
    sales, credits, dirty = read(arguments.file)
    gateway = Gateway(arguments.base, arguments.key)
    warehouse, received = prepare(gateway, arguments, sales, credits)

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        orders = dict(zip(sales, clients.map(lambda item: sell(gateway, arguments, *item), sales.items())))
    sold = Sold(sales, orders)
    returns = [
        made for item in credits.items() for made in give_back(gateway, arguments, warehouse, sold, *item)
    ]

    for number, row, why in dirty:
        print(f"row {number}: {row['InvoiceNo']} {row['StockCode']} × {row['Quantity']} at {row['UnitPrice']}: {why}")
    of_orders = [made for made in returns if made["orderId"]]
    print(f"{len(sales)} invoices placed, shipped and paid; {len(credits)} credit notes gave {len(returns)} returns, ", end="")
    print(f"{len(of_orders)} of an order; {len(dirty)} dirty rows left out")

    differing = []
    sold_for, credited = (sum(total(document.lines) for document in each.values()) for each in (sales, credits))
    compare("orders", sold_for, sum(amount(order["total"]) for order in orders.values()), differing)
    compare("credited", credited, sum(amount(made["creditedTotal"]) for made in returns), differing)
    payments = list(gateway.pages(f"/v1/payments?shopId={arguments.shop}", "payments"))
    compare("money in", sold_for, sum(amount(payment["captured"]) for payment in payments), differing)
    back = sum(amount(made["creditedTotal"]) for made in of_orders)
    compare("money back to payments", back, sum(amount(payment["refunded"]) for payment in payments), differing)

    expected = collections.Counter(received)
    for documents, sign in ((sales, -1), (credits, 1)):
        for document in documents.values():
            for line in document.lines:
                if GOODS.match(line.sku):
                    expected[line.sku] += sign * line.quantity
    stock = {level["sku"]: int(level["onHand"]) for level in gateway.pages(f"/v1/stock?warehouseId={warehouse}", "levels")}
    for sku in sorted(expected.keys() | stock.keys()):
        if expected[sku] != stock.get(sku, 0):
            differing.append(f"stock of {sku}: file {expected[sku]}, korob {stock.get(sku, 0)}")
    compare("units on hand", sum(expected.values()), sum(stock.values()), differing)
    for line in differing:
        print(f"DIFFERS: {line}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()

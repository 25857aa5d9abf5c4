/** An event such as a payment provider sends, of some 1.8 kB. */
export function anEvent(): Record<string, unknown> {
  const line = (n: number) => ({
    sku: `SKU-${1000 + n}`,
    name: `Item number ${n} of the order`,
    quantity: (n % 3) + 1,
    price: 1250 + n * 10,
    category: n % 2 === 0 ? 'books' : 'tools',
  });
  return {
    id: 'evt_3NqXa2L0example',
    type: 'payment_intent.succeeded',
    created: 1_700_000_000,
    livemode: false,
    data: {
      object: {
        id: 'pi_3NqXa2L0example',
        object: 'payment_intent',
        amount: 12_500,
        currency: 'eur',
        customer: { id: 'cus_9s6XKzkNRiz8i3', name: 'Ada Lovelace', email: null },
        description: 'Payment of order 20391 from the shop in Vienna',
        receipt_email: 'ada.lovelace@example.com',
        metadata: { order: '20391', shop: 'vienna', coupon: '', 'utm source': 'newsletter' },
        charges: {
          total_count: 1,
          data: [
            {
              id: 'ch_1EXUPv2eZvKYlo2CStIqOmbY',
              paid: true,
              billing_details: {
                name: 'Ada Lovelace',
                phone: '+43 1 5880 0',
                address: { city: 'Wien', country: 'AT', line1: 'Karlsplatz 13', postal_code: '1040' },
              },
              outcome: { network_status: 'approved_by_network', risk_level: 'normal', risk_score: 12 },
            },
          ],
        },
        lines: [1, 2, 3, 4, 5, 6, 7, 8, 9].map(line),
      },
    },
    request: { id: 'req_Zy8f1bcexample', idempotency_key: '4f8c1c52-0000-4000-8000-3c5f0d2f8a11' },
  };
}
